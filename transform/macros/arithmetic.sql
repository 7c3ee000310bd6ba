{#- A share as a number between; NULL where there is nothing to share. -#}
{% macro ratio(part, whole) -%}
    cast({{ part }} as double precision) / cast(nullif({{ whole }}, 0) as double precision)
{%- endmacro %}

{#- One end of the 95 % Wilson score interval of hits out of tries, to six decimals: -1 for the lower, 1 for the upper. NULL
    for no tries, or for more hits than tries, which are no share. What was never, or always, seen ends there exactly: the
    formula leaves traces, and a zero with a sign. -#}
{% macro wilson(hits, tries, side) -%}
    {%- set z = 'cast(1.959963984540054 as double precision)' -%}
    {%- set n = 'cast(' ~ tries ~ ' as double precision)' -%}
    {%- set p = '(cast(' ~ hits ~ ' as double precision) / ' ~ n ~ ')' -%}
    {%- set middle = p ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (2 * ' ~ n ~ ')' -%}
    {%- set spread = z ~ ' * sqrt(' ~ p ~ ' * (1 - ' ~ p ~ ') / ' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (4 * ' ~ n ~ ' * ' ~ n ~ '))' -%}
    case
        when {{ tries }} > 0 and {{ hits }} = {{ 0 if side < 0 else tries }} then cast({{ 0 if side < 0 else 1 }} as double precision)
        when {{ tries }} > 0 and {{ hits }} between 0 and {{ tries }}
            then round(1000000 * ({{ middle }} {{ '-' if side < 0 else '+' }} {{ spread }}) / (1 + {{ z }} * {{ z }} / {{ n }})) / 1000000
    end
{%- endmacro %}

{#- Sum of whole numbers as a whole number, which is wider in some databases. -#}
{% macro total(expression) -%}
    cast(sum({{ expression }}) as bigint)
{%- endmacro %}

{#- The day so many days after another one. -#}
{% macro days_after(day, days) -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}

{#- When the load began, at the earliest, of which this is the latest time: what is older was not in it. -#}
{% macro last_load_from(loaded_at) -%}
    {{ dbt.dateadd('minute', -var('instantly__gone_after_minutes'), loaded_at) }}
{%- endmacro %}

{#- Replies of people, out of distinct leads that replied and those that did so automatically. -#}
{% macro human(replies, automatic) -%}
    {%- if var('instantly__replies_exclude_automatic') -%}
        {{ replies }}
    {%- else -%}
        greatest({{ replies }} - {{ automatic }}, 0)
    {%- endif -%}
{%- endmacro %}

{#- A share in percent with one decimal, as text; half a tenth is rounded up, alike in all databases. -#}
{% macro percent(part, whole) -%}
    {%- set tenths = 'floor((cast(2000 * ' ~ part ~ ' + ' ~ whole ~ ' as double precision)) / cast(2 * nullif(' ~ whole ~ ', 0) as double precision))' -%}
    cast(cast(floor({{ tenths }} / 10) as bigint) as text) || '.' || cast(cast({{ tenths }} - 10 * floor({{ tenths }} / 10) as bigint) as text)
{%- endmacro %}

{#- Domain of an address. -#}
{% macro domain_of(email) -%}
    lower(split_part({{ email }}, '@', 2))
{%- endmacro %}
