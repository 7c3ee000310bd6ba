{#- A share as a number between; NULL where there is nothing to share. -#}
{% macro ratio(part, whole) -%}
    cast({{ part }} as {{ instantly.sql_type('double precision') }}) / cast(nullif({{ whole }}, 0) as {{ instantly.sql_type('double precision') }})
{%- endmacro %}

{#- One end of the 95 % Wilson score interval of hits out of tries, to six decimals: -1 for the lower, 1 for the upper. NULL
    for no tries, or for more hits than tries, which are no share. What was never, or always, seen ends there exactly: the
    formula leaves traces, and a zero with a sign. -#}
{% macro wilson(hits, tries, side) -%}
    {%- set double = instantly.sql_type('double precision') -%}
    {%- set z = 'cast(1.959963984540054 as ' ~ double ~ ')' -%}
    {%- set n = 'cast(' ~ tries ~ ' as ' ~ double ~ ')' -%}
    {%- set p = '(cast(' ~ hits ~ ' as ' ~ double ~ ') / ' ~ n ~ ')' -%}
    {%- set middle = p ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (2 * ' ~ n ~ ')' -%}
    {%- set spread = z ~ ' * sqrt(' ~ p ~ ' * (1 - ' ~ p ~ ') / ' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (4 * ' ~ n ~ ' * ' ~ n ~ '))' -%}
    case
        when {{ tries }} > 0 and {{ hits }} = {{ 0 if side < 0 else tries }} then cast({{ 0 if side < 0 else 1 }} as {{ instantly.sql_type('double precision') }})
        when {{ tries }} > 0 and {{ hits }} between 0 and {{ tries }}
            then round(1000000 * ({{ middle }} {{ '-' if side < 0 else '+' }} {{ spread }}) / (1 + {{ z }} * {{ z }} / {{ n }})) / 1000000
    end
{%- endmacro %}

{#- True if a share is higher than another one by more than chance explains: where equal shares would be so far apart, in
    this direction, less than once in 20 times as many trials as `comparisons` are made at once. The chance is that of the
    signed root of the likelihood ratio, half a hit nearer to the other share, by the bound of Mills on the normal tail:
    exact tests need sums that are as long as there are hits. False for more hits than tries, which are no share. Databases may
    compute it before other conditions, and so also where nothing is compared. -#}
{% macro beyond_chance(hits, tries, other_hits, other_tries, comparisons) -%}
    {%- set double = instantly.sql_type('double precision') -%}
    {%- set counts = [(hits ~ ' - 0.5', tries), (other_hits ~ ' + 0.5', other_tries)] -%}
    {%- set terms = [] -%}
    {%- for part, whole in counts -%}
        {%- for own, both in [
            ('(' ~ part ~ ')', '(' ~ hits ~ ' + ' ~ other_hits ~ ')'),
            ('(' ~ whole ~ ' - (' ~ part ~ '))', '(' ~ tries ~ ' + ' ~ other_tries ~ ' - ' ~ hits ~ ' - ' ~ other_hits ~ ')'),
        ] -%}
            {#- A value below half a hit is not looked at, but may be computed. -#}
            {%- set own = 'greatest(cast(' ~ own ~ ' as ' ~ double ~ '), 0.5)' -%}
            {%- set expected = 'greatest(cast(' ~ both ~ ' as ' ~ double ~ '), 0.5) * ' ~ whole ~ ' / (' ~ tries ~ ' + ' ~ other_tries ~ ')' -%}
            {%- do terms.append(own ~ ' * ln(' ~ own ~ ' / (' ~ expected ~ '))') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set ratio = 'greatest(' ~ terms | join(' + ') ~ ', 0.001)' -%}
    case
        when {{ tries }} > 0 and {{ other_tries }} > 0
            and {{ hits }} between 0 and {{ tries }} and {{ other_hits }} between 0 and {{ other_tries }}
            then ({{ hits }} - 0.5) / {{ tries }} > ({{ other_hits }} + 0.5) / {{ other_tries }}
                and {{ ratio }} + ln(4 * acos(-1) * {{ ratio }}) / 2 > ln(cast(greatest({{ comparisons }}, 1) as {{ instantly.sql_type('double precision') }}) / 0.05)
        else false
    end
{%- endmacro %}

{#- Of a rate that is made of several rows, the part and the whole: of those rows alone that tell both. -#}
{% macro part_of(part, whole) -%}
    case when {{ whole }} is not null then {{ part }} end
{%- endmacro %}

{#- The earlier and the later of two; where one is not known, the other. -#}
{% macro earlier(one, other) -%}
    case when {{ one }} <= {{ other }} then {{ one }} else coalesce({{ other }}, {{ one }}) end
{%- endmacro %}
{% macro later(one, other) -%}
    case when {{ one }} >= {{ other }} then {{ one }} else coalesce({{ other }}, {{ one }}) end
{%- endmacro %}

{#- Sum of whole numbers as a whole number, which is wider in some databases. -#}
{% macro total(expression) -%}
    cast(sum({{ expression }}) as bigint)
{%- endmacro %}

{#- The same, of what is known throughout: NULL where a row does not tell. -#}
{% macro full_total(expression) -%}
    case when count(*) = count({{ expression }}) then {{ instantly.total(expression) }} end
{%- endmacro %}

{#- The day so many days after another one. -#}
{% macro days_after(day, days) -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}

{#- The first and the last day of a month. -#}
{% macro month_of(day) %}{{ return(adapter.dispatch('month_of', 'instantly')(day)) }}{% endmacro %}
{% macro default__month_of(day) %}cast({{ dbt.date_trunc('month', day) }} as date){% endmacro %}
{% macro bigquery__month_of(day) %}date_trunc(cast({{ day }} as date), month){% endmacro %}
{% macro month_end(month) -%}
    {{ instantly.days_after(dbt.dateadd('month', 1, month), -1) }}
{%- endmacro %}

{#- Earliest possible start of the load with this latest time: older rows were not in it. -#}
{% macro last_load_from(loaded_at) -%}
    {{ dbt.dateadd('minute', -var('instantly__gone_after_minutes'), loaded_at) }}
{%- endmacro %}

{#- Replies of people, out of distinct leads that replied and those that did so automatically; not known where either is not. -#}
{% macro human(replies, automatic) -%}
    {%- if var('instantly__replies_exclude_automatic') -%}
        {{ replies }}
    {%- else -%}
        case when {{ replies }} >= {{ automatic }} then {{ replies }} - {{ automatic }} when {{ replies }} < {{ automatic }} then 0 end
    {%- endif -%}
{%- endmacro %}

{#- A share that is above a limit, in percent as text: with as few decimals as are above it too, one at least. Half of the last
    one is rounded up, alike in all databases; of four, what is left is. -#}
{% macro percent_above(limit, part, whole) -%}
    case
        {%- for decimals in range(1, 5) %}
        {%- set scale = 10 ** decimals %}
        {%- set exact = (100 * scale) ~ ' * cast(' ~ part ~ ' as ' ~ instantly.sql_type('double precision') ~ ') / nullif(' ~ whole ~ ', 0)' %}
        {%- set rounded = 'ceil(' ~ exact ~ ')' if loop.last else 'floor(' ~ exact ~ ' + 0.5)' %}
        {{ 'else' if loop.last else 'when ' ~ rounded ~ ' > ' ~ (limit * 100 * scale) | round(6) ~ ' then' }}
            cast(cast(floor({{ rounded }} / {{ scale }}) as bigint) as {{ instantly.sql_type('text') }}) || '.'
            || lpad(cast(cast({{ rounded }} - {{ scale }} * floor({{ rounded }} / {{ scale }}) as bigint) as {{ instantly.sql_type('text') }}), {{ decimals }}, '0')
        {%- endfor %}
    end
{%- endmacro %}

{#- Domain of an address; NULL for other texts, such as a hash. -#}
{% macro domain_of(email) -%}
    nullif(lower({{ dbt.split_part(email, "'@'", 2) }}), '')
{%- endmacro %}

{#- A day's count of opens or clicks. What was counted was tracked. 0 is a figure from the first day with one to the last, or
    until today where tracking is on; before, or after it was switched off, nobody knows. -#}
{% macro tracked_that_day(count, setting, what) -%}
    case
        when {{ count }} > 0 then {{ count }}
        when campaigns.{{ setting }} and (campaigns.{{ what }}_from is null or days.date >= campaigns.{{ what }}_from) then {{ count }}
        when days.date between campaigns.{{ what }}_from and campaigns.{{ what }}_until then {{ count }}
    end
{%- endmacro %}

{#- A count of opens or clicks since the beginning: 0 only where all of that time was tracked. -#}
{% macro tracked_ever(count, setting, what) -%}
    case when {{ count }} > 0 or (campaigns.{{ setting }} and campaigns.{{ what }}_whole) then {{ count }} end
{%- endmacro %}

{#- A text as a whole number; NULL if it is none. -#}
{% macro whole_number(text) -%}
    case when {{ text }} <> '' and length({{ text }}) < 10 and translate({{ text }}, '0123456789', '') = '' then cast({{ text }} as bigint) end
{%- endmacro %}

{#- A figure of rows that are joined: where there are none, 0 if their stream was loaded, and not known otherwise. -#}
{% macro or_nothing(key, figure, loaded_until) -%}
    case when {{ key }} is not null then {{ figure }} when {{ loaded_until }} is not null then 0 end
{%- endmacro %}

{#- True if days that were loaded, from one to another, reach into a window. -#}
{% macro reaches(from, until, start, end) -%}
    coalesce({{ from }} <= {{ end }} and {{ until }} >= {{ start }}, false)
{%- endmacro %}

{#- A day's figure: that of the rows, or 0 where the day was loaded and has none, since the API leaves days without sends out. -#}
{% macro on_day(source, count) -%}
    case
        when {{ source }}.date is not null then {{ source }}.{{ count }}
        when calendar.date between calendar.{{ source }}_from and calendar.{{ source }}_until then cast(0 as bigint)
    end
{%- endmacro %}
