{%- set counts = ['sent_count', 'new_leads_contacted_count', 'reply_count', 'opportunity_count', 'bounced_count', 'account_sent_count'] -%}
{%- set metrics = [
    ('sent_count', 'sent_count', none),
    ('new_leads_contacted_count', 'new_leads_contacted_count', none),
    ('reply_count', 'reply_count', none),
    ('opportunity_count', 'opportunity_count', none),
    ('meeting_booked_count', 'meeting_booked_count', none),
    ('bounced_count', 'bounced_count', none),
    ('positive_reply_rate_per_sent', 'opportunity_count', 'sent_count'),
    ('replies_per_sent', 'reply_count', 'sent_count'),
    ('bounce_rate_per_sent', 'bounced_count', 'account_sent_count'),
    ('emails_per_opportunity', 'sent_count', 'opportunity_count'),
] -%}
with periods as (
    {%- for days in var('instantly__period_days') %}
    select
        workspace_id,
        workspace_name,
        {{ days }} as period_days,
        {{ instantly.days_after('as_of_date', 1 - 2 * days) }} as before_start,
        {{ instantly.days_after('as_of_date', 1 - days) }} as period_start,
        as_of_date as period_end,
        first_date
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
        periods.first_date <= periods.before_start as has_before,
        {%- for count in counts %}
        days.{{ count }},
        days.{{ count }}_before,
        {%- endfor %}
        {%- if 'leads' in var('instantly__streams_off') %}
        cast(null as bigint) as meeting_booked_count,
        {%- else %}
        coalesce(meetings.meeting_booked_count, 0) as meeting_booked_count,
        {%- endif %}
        -- A lead that was at a meeting then and has moved on since is no longer there to be counted.
        cast(null as bigint) as meeting_booked_count_before
    from periods
    left join days on days.workspace_id = periods.workspace_id and days.period_days = periods.period_days
    left join meetings on meetings.workspace_id = periods.workspace_id and meetings.period_days = periods.period_days
),

metrics as (
    {%- for name, _, whole in metrics %}
    select '{{ name }}' as metric, {{ 'true' if whole else 'false' }} as is_ratio
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

figures as (
    select
        sums.*,
        metrics.metric,
        metrics.is_ratio,
        {%- for suffix in ('', '_before') %}
        case metrics.metric
            {%- for name, part, whole in metrics %}
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
        period_days,
        period_start,
        period_end,
        metric,
        is_ratio,
        value,
        case when has_before then value_before end as value_before
    from figures
)

select
    workspace_id,
    workspace_name,
    cast(period_days as bigint) as period_days,
    period_start,
    period_end,
    cast(metric as text) as metric,
    is_ratio,
    value,
    value_before,
    {{ instantly.ratio('(value - value_before)', 'value_before') }} as change_per_before
from known
