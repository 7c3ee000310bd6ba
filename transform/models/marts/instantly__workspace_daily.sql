with numbers as (
    {{ dbt.generate_series(4096) }}
),

calendar as (
    select
        workspaces.workspace_id,
        workspaces.workspace_name,
        workspaces.as_of_date,
        {{ instantly.days_after('workspaces.first_date', 'numbers.generated_number - 1') }} as date
    from {{ ref('int_instantly__workspaces') }} as workspaces
    cross join numbers
    where {{ instantly.days_after('workspaces.first_date', 'numbers.generated_number - 1') }} <= workspaces.last_date
),

campaigns as (
    select
        workspace_id,
        date,
        {{ instantly.total('sent_count') }} as sent_count,
        {{ instantly.total('new_leads_contacted_count') }} as new_leads_contacted_count,
        {{ instantly.total('reply_count') }} as reply_count,
        {{ instantly.total('automatic_reply_count') }} as automatic_reply_count,
        {{ instantly.total('opportunity_count') }} as opportunity_count
    from {{ ref('instantly__campaign_daily') }}
    group by workspace_id, date
),

accounts as (
    select
        workspace_id,
        date,
        {{ instantly.total('sent_count') }} as sent_count,
        {{ instantly.total('bounced_count') }} as bounced_count
    from {{ ref('instantly__account_daily') }}
    group by workspace_id, date
),

days as (
    select
        calendar.workspace_id,
        calendar.workspace_name,
        calendar.date,
        calendar.date <= calendar.as_of_date as is_complete,
        {%- for count in ('sent_count', 'new_leads_contacted_count', 'reply_count', 'automatic_reply_count', 'opportunity_count') %}
        cast(coalesce(campaigns.{{ count }}, 0) as bigint) as {{ count }},
        {%- endfor %}
        accounts.bounced_count,
        accounts.sent_count as account_sent_count
    from calendar
    left join campaigns on campaigns.workspace_id = calendar.workspace_id and campaigns.date = calendar.date
    left join accounts on accounts.workspace_id = calendar.workspace_id and accounts.date = calendar.date
),

weeks as (
    select
        *,
        {%- for count in ('sent_count', 'reply_count', 'opportunity_count') %}
        sum({{ count }}) over (
            partition by workspace_id order by date rows between 6 preceding and current row
        ) as {{ count }}_7d{{ ',' if not loop.last }}
        {%- endfor %}
    from days
)

select
    workspace_id,
    workspace_name,
    date,
    is_complete,
    sent_count,
    new_leads_contacted_count,
    reply_count,
    automatic_reply_count,
    opportunity_count,
    bounced_count,
    account_sent_count,
    {{ instantly.ratio('opportunity_count', 'sent_count') }} as positive_reply_rate_per_sent,
    {{ instantly.ratio('opportunity_count_7d', 'sent_count_7d') }} as positive_reply_rate_per_sent_7d,
    {{ instantly.ratio('reply_count', 'sent_count') }} as replies_per_sent,
    {{ instantly.ratio('reply_count_7d', 'sent_count_7d') }} as replies_per_sent_7d,
    {{ instantly.ratio('bounced_count', 'account_sent_count') }} as bounce_rate_per_sent
from weeks
