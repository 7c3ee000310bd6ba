{#- Rates, as part and whole: of what tells both. -#}
{%- set rates = {'positive_reply_rate_per_sent': 'positive_reply_rate', 'replies_per_sent': 'replies', 'bounce_rate_per_sent': 'bounce_rate'} -%}
{%- set counts = ['opportunity_count', 'reply_count', 'automatic_reply_count', 'sent_count', 'new_leads_contacted_count', 'bounced_count'] -%}
{#- Figures compared with the month before, the name of the change, and the condition that both are whole. -#}
{%- set compared = [
    ('meeting_booked_count', 'meeting_booked', 'are_meetings_whole'),
    ('opportunity_count', 'opportunity', 'is_whole'),
    ('positive_reply_rate_per_sent', 'positive_reply_rate', 'is_whole'),
    ('sent_count', 'sent', 'is_whole'),
] -%}
with days as (
    select
        workspace_id,
        {{ instantly.month_of('date') }} as month,
        {%- for name in rates.values() %}
        {{ instantly.total(name ~ '_part_count') }} as {{ name }}_part,
        {{ instantly.total(name ~ '_whole_count') }} as {{ name }}_whole,
        {%- endfor %}
        {%- for count in counts %}
        {{ instantly.total(count) }} as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('instantly__workspace_daily') }}
    where is_complete
    group by workspace_id, {{ instantly.month_of('date') }}
),

-- First known time of a lead at a meeting or beyond.
met as (
    select
        workspace_id,
        {{ instantly.lead_key('lead_id', 'lead_email', 'campaign_id') }} as lead_key,
        min(occurred_at) as met_at
    from {{ ref('instantly__lead_events') }}
    where event_type = 'meeting' or (event_type = 'interest' and interest_status_code = 4)
    group by workspace_id, {{ instantly.lead_key('lead_id', 'lead_email', 'campaign_id') }}
),

meetings as (
    select
        met.workspace_id,
        {{ instantly.month_of('met.met_at') }} as month,
        count(*) as meeting_booked_count
    from met
    inner join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = met.workspace_id
    where workspaces.as_of_date is null or cast(met.met_at as date) <= workspaces.as_of_date
    group by met.workspace_id, {{ instantly.month_of('met.met_at') }}
),

replied as (
    select
        threads.workspace_id,
        {{ instantly.month_of('threads.first_replied_at') }} as month,
        threads.hours_to_answer,
        row_number() over (
            partition by threads.workspace_id, {{ instantly.month_of('threads.first_replied_at') }}
            order by case when threads.hours_to_answer is null then 1 else 0 end, threads.hours_to_answer
        ) as place,
        count(threads.hours_to_answer) over (
            partition by threads.workspace_id, {{ instantly.month_of('threads.first_replied_at') }}
        ) as answered_count
    from {{ ref('instantly__threads') }} as threads
    inner join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = threads.workspace_id
    where
        threads.first_replied_at is not null
        and (workspaces.as_of_date is null or cast(threads.first_replied_at as date) <= workspaces.as_of_date)
),

answers as (
    select
        workspace_id,
        month,
        count(*) as thread_count,
        max(answered_count) as answered_thread_count,
        -- The one in the middle, or the two.
        avg(case when 2 * place between answered_count and answered_count + 2 then hours_to_answer end) as median_hours_to_answer
    from replied
    group by workspace_id, month
),

-- Since when builds have seen how leads are marked.
watched as (
    select
        workspace_id,
        cast(min(loaded_at) as date) as watched_from
    from {{ ref('instantly_lead_interest') }}
    group by workspace_id
),

keys as (
    select workspace_id, month
    from (
        select workspace_id, month from days
        union all
        select workspace_id, month from meetings
        union all
        select workspace_id, month from answers
    ) as found
    group by workspace_id, month
),

months as (
    select
        keys.workspace_id,
        workspaces.workspace_name,
        workspaces.source_relation,
        keys.month,
        {{ instantly.earlier(instantly.month_end('keys.month'), 'workspaces.as_of_date') }} as last_date,
        coalesce(
            workspaces.campaigns_from <= keys.month and workspaces.as_of_date >= {{ instantly.month_end('keys.month') }}, false
        ) as is_whole,
        coalesce(
            watched.watched_from <= keys.month
            and workspaces.leads_until >= {{ instantly.month_end('keys.month') }}
            and workspaces.as_of_date >= {{ instantly.month_end('keys.month') }},
            false
        ) as are_meetings_whole,
        cast({{ instantly.month_of(dbt.dateadd('month', -1, 'keys.month')) }} as date) as month_before,
        cast(
            case
                when meetings.meeting_booked_count is not null then meetings.meeting_booked_count
                when workspaces.leads_until >= keys.month then 0
            end as bigint
        ) as meeting_booked_count,
        {%- for count in counts %}
        days.{{ count }},
        {%- endfor %}
        {%- for rate, name in rates.items() %}
        {{ instantly.ratio('days.' ~ name ~ '_part', 'days.' ~ name ~ '_whole') }} as {{ rate }},
        {%- endfor %}
        cast(answers.thread_count as bigint) as replied_thread_count,
        cast(answers.answered_thread_count as bigint) as answered_thread_count,
        answers.median_hours_to_answer
    from keys
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = keys.workspace_id
    left join days on days.workspace_id = keys.workspace_id and days.month = keys.month
    left join meetings on meetings.workspace_id = keys.workspace_id and meetings.month = keys.month
    left join answers on answers.workspace_id = keys.workspace_id and answers.month = keys.month
    left join watched on watched.workspace_id = keys.workspace_id
)

select
    months.workspace_id,
    months.workspace_name,
    months.source_relation,
    months.month,
    months.last_date,
    months.is_whole,
    months.are_meetings_whole,
    {%- for value, name, whole in compared %}
    months.{{ value }},
    case when earlier.{{ whole }} then earlier.{{ value }} end as {{ value }}_before,
    case
        when months.{{ whole }} and earlier.{{ whole }} then {{ instantly.ratio('(months.' ~ value ~ ' - earlier.' ~ value ~ ')', 'earlier.' ~ value) }}
    end as {{ name }}_change_per_before,
    {%- endfor %}
    months.new_leads_contacted_count,
    months.reply_count,
    months.automatic_reply_count,
    months.replies_per_sent,
    months.bounced_count,
    months.bounce_rate_per_sent,
    {{ instantly.ratio('months.sent_count', 'months.opportunity_count') }} as emails_per_opportunity,
    {{ instantly.ratio('months.sent_count', 'months.meeting_booked_count') }} as emails_per_meeting,
    months.replied_thread_count,
    months.answered_thread_count,
    months.median_hours_to_answer
from months
left join months as earlier on earlier.workspace_id = months.workspace_id and earlier.month = months.month_before
