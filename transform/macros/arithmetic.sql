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

{#- Whether a share is higher than another one by more than chance explains: true where equal shares would be so far apart, in
    this direction, less than once in 20 times as many trials as `comparisons` are made at once. The chance is that of the
    signed root of the likelihood ratio, half a hit nearer to the other share, by the bound of Mills on the normal tail:
    exact tests need sums that are as long as there are hits. False for more hits than tries, which are no share. -#}
{% macro beyond_chance(hits, tries, other_hits, other_tries, comparisons) -%}
    {%- set counts = [(hits ~ ' - 0.5', tries), (other_hits ~ ' + 0.5', other_tries)] -%}
    {%- set terms = [] -%}
    {%- for part, whole in counts -%}
        {%- for own, both in [
            ('(' ~ part ~ ')', '(' ~ hits ~ ' + ' ~ other_hits ~ ')'),
            ('(' ~ whole ~ ' - (' ~ part ~ '))', '(' ~ tries ~ ' + ' ~ other_tries ~ ' - ' ~ hits ~ ' - ' ~ other_hits ~ ')'),
        ] -%}
            {#- What is below half a hit is not looked at, but may be computed. -#}
            {%- set own = 'greatest(cast(' ~ own ~ ' as double precision), 0.5)' -%}
            {%- set expected = 'greatest(cast(' ~ both ~ ' as double precision), 0.5) * ' ~ whole ~ ' / (' ~ tries ~ ' + ' ~ other_tries ~ ')' -%}
            {%- do terms.append(own ~ ' * ln(' ~ own ~ ' / (' ~ expected ~ '))') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set ratio = 'greatest(' ~ terms | join(' + ') ~ ', 0.001)' -%}
    case
        when {{ tries }} > 0 and {{ other_tries }} > 0
            and {{ hits }} between 0 and {{ tries }} and {{ other_hits }} between 0 and {{ other_tries }}
            then ({{ hits }} - 0.5) / {{ tries }} > ({{ other_hits }} + 0.5) / {{ other_tries }}
                and {{ ratio }} + ln(4 * pi() * {{ ratio }}) / 2 > ln(cast({{ comparisons }} as double precision) / 0.05)
        else false
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
