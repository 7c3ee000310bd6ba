{%- set watch, burning = var('instantly__bounce_rate_watch'), var('instantly__bounce_rate_burning') -%}
{%- set enough = var('instantly__health_min_sends') -%}
{%- set weeks = 12 -%}
{#- Rates: part and whole. -#}
{%- set rates = {
    'bounce_rate_per_sent': ('bounced_count', 'sent_count'),
    'replies_per_sent': ('reply_count', 'sent_count'),
    'warmup_inbox_rate_per_sent': ('warmup_inbox_count', 'warmup_sent_count'),
} -%}
{%- set counts = ['sent_count', 'bounced_count', 'reply_count'] -%}
{%- set warmup_counts = ['warmup_sent_count', 'warmup_inbox_count', 'warmup_spam_count'] -%}
{%- set weeks_ago = 'cast(floor(' ~ dbt.datediff('days.date', 'workspaces.accounts_as_of_date', 'day') ~ ' / 7.0) as integer)' -%}
with days as (
    select
        days.*,
        {{ weeks_ago }} as weeks_ago
    from {{ ref('instantly__account_daily') }} as days
    inner join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = days.workspace_id
    where days.date <= workspaces.accounts_as_of_date and {{ weeks_ago }} < {{ weeks }}
),

sums as (
    select
        workspace_id,
        email,
        weeks_ago,
        {%- for count in counts + warmup_counts %}
        {{ instantly.total(count) }} as {{ count }},
        {%- endfor %}
        {%- for rate, (part, whole) in rates.items() %}
        {{ instantly.total(instantly.part_of(part, whole)) }} as {{ rate }}_part,
        {{ instantly.total(instantly.part_of(whole, part)) }} as {{ rate }}_whole,
        {%- endfor %}
        count(case when has_campaign_figures then 1 end) as days_count
    from days
    group by workspace_id, email, weeks_ago
),

begun as (
    select workspace_id, email, max(weeks_ago) as weeks_ago
    from sums
    group by workspace_id, email
),

numbers as (
    {{ dbt.generate_series(weeks) }}
),

-- From the first week with figures on, and the last one in any case.
calendar as (
    select
        accounts.workspace_id,
        accounts.workspace_name,
        accounts.source_relation,
        accounts.email,
        accounts.domain,
        accounts.provider,
        accounts.is_deleted,
        cast(numbers.generated_number - 1 as bigint) as weeks_ago,
        {{ instantly.days_after('workspaces.accounts_as_of_date', '-7 * cast(numbers.generated_number as integer) + 1') }} as week_start,
        {{ instantly.days_after('workspaces.accounts_as_of_date', '-7 * cast(numbers.generated_number as integer) + 7') }} as week_end,
        workspaces.accounts_from,
        workspaces.accounts_until
    from {{ ref('instantly__accounts') }} as accounts
    inner join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = accounts.workspace_id
    left join begun on begun.workspace_id = accounts.workspace_id and begun.email = accounts.email
    cross join numbers
    where
        workspaces.accounts_as_of_date is not null
        and numbers.generated_number - 1 <= coalesce(begun.weeks_ago, 0)
),

in_weeks as (
    select
        calendar.*,
        coalesce(calendar.accounts_from <= calendar.week_start and calendar.accounts_until >= calendar.week_end, false) as is_whole,
        {%- for count in counts %}
        case
            when sums.days_count > 0 then sums.{{ count }}
            when {{ instantly.reaches('calendar.accounts_from', 'calendar.accounts_until', 'calendar.week_start', 'calendar.week_end') }} then 0
        end as {{ count }},
        {%- endfor %}
        {%- for count in warmup_counts %}
        sums.{{ count }},
        {%- endfor %}
        {%- for rate in rates %}
        {%- for side in ('part', 'whole') %}
        sums.{{ rate }}_{{ side }},
        sum(sums.{{ rate }}_{{ side }}) over (
            partition by calendar.workspace_id, calendar.email order by calendar.week_end rows between 3 preceding and current row
        ) as {{ rate }}_{{ side }}_4w{{ ',' if not (loop.last and rate == (rates | list | last)) }}
        {%- endfor %}
        {%- endfor %}
    from calendar
    left join sums
        on sums.workspace_id = calendar.workspace_id and sums.email = calendar.email and sums.weeks_ago = calendar.weeks_ago
),

rated as (
    select
        *,
        {{ instantly.ratio('sent_count', '7') }} as sent_per_day,
        {%- for rate in rates %}
        {{ instantly.ratio(rate ~ '_part', rate ~ '_whole') }} as {{ rate }},
        {{ instantly.ratio(rate ~ '_part_4w', rate ~ '_whole_4w') }} as {{ rate }}_4w{{ ',' if not loop.last }}
        {%- endfor %}
    from in_weeks
),

judged as (
    select
        *,
        cast(
            case
                {%- for rank, limit in ((1, burning), (2, watch)) %}
                {%- for window in ('', '_4w') %}
                when bounce_rate_per_sent_whole{{ window }} >= {{ enough }} and bounce_rate_per_sent{{ window }} > {{ limit }} then {{ rank }}
                {%- endfor %}
                {%- endfor %}
                when sent_per_day > {{ var('instantly__sends_per_day_watch') }} then 2
                when bounce_rate_per_sent_whole_4w >= {{ enough }} then 3
                else 4
            end as bigint
        ) as sending_health_rank
    from rated
),

followed as (
    select
        *,
        {%- for column in ['sending_health_rank'] + (rates | map('string') | list) %}
        lag({{ column }}{{ '_4w' if column in rates }}, 4) over (partition by workspace_id, email order by week_end) as {{ column }}_before{{ ',' if not loop.last }}
        {%- endfor %}
    from judged
)

select
    workspace_id,
    workspace_name,
    source_relation,
    email,
    domain,
    provider,
    is_deleted,
    weeks_ago,
    week_start,
    week_end,
    is_whole,
    {%- for suffix in ('', '_before') %}
    cast(
        case sending_health_rank{{ suffix }}
            {%- for health in ('burning', 'watch', 'green', 'unknown') %}
            when {{ loop.index }} then '{{ health }}'
            {%- endfor %}
        end as {{ instantly.sql_type('text') }}
    ) as sending_health{{ suffix }},
    {%- endfor %}
    sending_health_rank,
    case
        when sending_health_rank = 4 or sending_health_rank_before = 4 then null
        when sending_health_rank < sending_health_rank_before then 'worse'
        when sending_health_rank > sending_health_rank_before then 'better'
        when sending_health_rank = sending_health_rank_before then 'same'
    end as trend,
    cast(sent_count as bigint) as sent_count,
    cast(bounced_count as bigint) as bounced_count,
    cast(reply_count as bigint) as reply_count,
    sent_per_day,
    {%- for count in warmup_counts %}
    {{ count }},
    {%- endfor %}
    {%- for rate in rates %}
    {{ rate }},
    {{ rate }}_4w,
    {{ rate }}_before as {{ rate }}_4w_before{{ ',' if not loop.last }}
    {%- endfor %}
from followed
