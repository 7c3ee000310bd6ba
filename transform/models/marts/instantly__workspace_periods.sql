{%- set counts = [
    'sent_count', 'new_leads_contacted_count', 'reply_count', 'opportunity_count', 'bounced_count',
    'positive_reply_rate_part_count', 'positive_reply_rate_whole_count', 'replies_part_count', 'replies_whole_count',
    'bounce_rate_part_count', 'bounce_rate_whole_count',
] -%}
{#- Name, columns that it is made of, and their stream. -#}
{%- set metrics = [
    ('sent_count', 'sent_count', none, 'campaigns'),
    ('new_leads_contacted_count', 'new_leads_contacted_count', none, 'campaigns'),
    ('reply_count', 'reply_count', none, 'campaigns'),
    ('opportunity_count', 'opportunity_count', none, 'campaigns'),
    ('meeting_booked_count', 'meeting_booked_count', none, 'leads'),
    ('bounced_count', 'bounced_count', none, 'accounts'),
    ('positive_reply_rate_per_sent', 'positive_reply_rate_part_count', 'positive_reply_rate_whole_count', 'campaigns'),
    ('replies_per_sent', 'replies_part_count', 'replies_whole_count', 'campaigns'),
    ('bounce_rate_per_sent', 'bounce_rate_part_count', 'bounce_rate_whole_count', 'accounts'),
    ('emails_per_opportunity', 'positive_reply_rate_whole_count', 'positive_reply_rate_part_count', 'campaigns'),
] -%}
{%- set sources = ['campaigns', 'accounts', 'leads'] -%}
with periods as (
    {%- for days in var('instantly__period_days') %}
    select
        workspace_id,
        workspace_name,
        source_relation,
        {{ days }} as period_days,
        {{ instantly.days_after('as_of_date', 1 - 2 * days) }} as before_start,
        {{ instantly.days_after('as_of_date', 1 - days) }} as period_start,
        as_of_date as period_end,
        campaigns_from,
        campaigns_until,
        accounts_from,
        accounts_until,
        -- Leads have no days: they are there from the first day of any figures on.
        first_date as leads_from,
        leads_until
    from {{ ref('int_instantly__workspaces') }}
    where as_of_date is not null
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

days as (
    select
        periods.workspace_id,
        periods.period_days,
        {%- for count in counts %}
        sum(case when days.date >= periods.period_start then days.{{ count }} end) as {{ count }},
        sum(case when days.date < periods.period_start then days.{{ count }} end) as {{ count }}_before{{ ',' if not loop.last }}
        {%- endfor %}
    from periods
    inner join {{ ref('instantly__workspace_daily') }} as days
        on days.workspace_id = periods.workspace_id
        and days.date between periods.before_start and periods.period_end
    group by periods.workspace_id, periods.period_days
),

meetings as (
    select
        periods.workspace_id,
        periods.period_days,
        count(*) as meeting_booked_count
    from periods
    inner join {{ ref('instantly__leads') }} as leads
        on leads.workspace_id = periods.workspace_id
        and leads.stage_number >= 6
        and cast(leads.last_interest_change_at as date) between periods.period_start and periods.period_end
    group by periods.workspace_id, periods.period_days
),

sums as (
    select
        periods.*,
        {%- for source in sources %}
        coalesce(periods.{{ source }}_from <= periods.before_start, false) as {{ source }}_before,
        coalesce(periods.{{ source }}_from <= periods.before_start and periods.period_end <= periods.{{ source }}_until, false) as {{ source }}_whole,
        {%- endfor %}
        {%- for count in counts %}
        days.{{ count }},
        days.{{ count }}_before,
        {%- endfor %}
        case
            when meetings.workspace_id is not null then meetings.meeting_booked_count
            when periods.leads_until >= periods.period_start then 0
        end as meeting_booked_count,
        -- A lead that was at a meeting then and has moved on since is no longer there to be counted.
        cast(null as bigint) as meeting_booked_count_before
    from periods
    left join days on days.workspace_id = periods.workspace_id and days.period_days = periods.period_days
    left join meetings on meetings.workspace_id = periods.workspace_id and meetings.period_days = periods.period_days
),

metrics as (
    {%- for name, _, whole, source in metrics %}
    select '{{ name }}' as metric, {{ 'true' if whole else 'false' }} as is_ratio, '{{ source }}' as source
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

figures as (
    select
        sums.*,
        metrics.metric,
        metrics.is_ratio,
        {%- for what in ('before', 'whole') %}
        case metrics.source
            {%- for source in sources %}
            when '{{ source }}' then sums.{{ source }}_{{ what }}
            {%- endfor %}
        end as {{ 'has_before' if what == 'before' else 'is_whole' }},
        {%- endfor %}
        {%- for suffix in ('', '_before') %}
        case metrics.metric
            {%- for name, part, whole, _ in metrics %}
            when '{{ name }}' then {{ instantly.ratio('sums.' ~ part ~ suffix, 'sums.' ~ whole ~ suffix if whole else 1) }}
            {%- endfor %}
        end as value{{ suffix }}{{ ',' if not loop.last }}
        {%- endfor %}
    from sums
    cross join metrics
),

known as (
    select
        workspace_id,
        workspace_name,
        source_relation,
        period_days,
        period_start,
        period_end,
        metric,
        is_ratio,
        is_whole,
        value,
        case when has_before then value_before end as value_before
    from figures
)

select
    workspace_id,
    workspace_name,
    source_relation,
    cast(period_days as bigint) as period_days,
    period_start,
    period_end,
    cast(metric as {{ instantly.sql_type('text') }}) as metric,
    is_ratio,
    is_whole,
    value,
    value_before,
    case when is_whole then {{ instantly.ratio('(value - value_before)', 'value_before') }} end as change_per_before
from known
