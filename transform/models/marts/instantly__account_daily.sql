with days as (
    select
        coalesce(campaigns.workspace_id, warmup.workspace_id) as workspace_id,
        coalesce(campaigns.email, warmup.email) as email,
        coalesce(campaigns.date, warmup.date) as date,
        campaigns.email is not null as has_campaign_figures,
        campaigns.sent as sent_count,
        campaigns.bounced as bounced_count,
        campaigns.new_leads_contacted as new_leads_contacted_count,
        campaigns.opened as open_count,
        campaigns.clicks as click_count,
        campaigns.replies as reply_count,
        campaigns.replies_automatic as automatic_reply_count,
        campaigns.contacted as leads_contacted_that_day,
        {{ instantly.human('campaigns.unique_replies', 'campaigns.unique_replies_automatic') }} as leads_replied_that_day,
        case when warmup.email is not null then coalesce(warmup.sent, 0) end as warmup_sent_count,
        case when warmup.email is not null then coalesce(warmup.received, 0) end as warmup_received_count,
        case when warmup.email is not null then coalesce(warmup.landed_inbox, 0) end as warmup_inbox_count,
        case when warmup.email is not null then coalesce(warmup.landed_spam, 0) end as warmup_spam_count,
        coalesce(campaigns.loaded_at, warmup.loaded_at) as loaded_at
    from {{ instantly.usable('account_analytics_daily') }} as campaigns
    full outer join {{ instantly.usable('account_warmup_daily') }} as warmup
        on warmup.workspace_id = campaigns.workspace_id
        and warmup.email = campaigns.email
        and warmup.date = campaigns.date
)

select
    days.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    days.email,
    {{ instantly.domain_of('days.email') }} as domain,
    accounts.provider,
    days.date,
    -- A value that is neither an address nor an account, such as a hash, is unknown too.
    days.email <> 'unknown' and (days.email like '%@%' or accounts.email is not null) as is_attributed,
    days.has_campaign_figures,
    days.sent_count,
    days.bounced_count,
    days.new_leads_contacted_count,
    days.open_count,
    days.click_count,
    days.reply_count,
    days.automatic_reply_count,
    days.leads_contacted_that_day,
    days.leads_replied_that_day,
    {{ instantly.ratio('days.bounced_count', 'days.sent_count') }} as bounce_rate_per_sent,
    days.warmup_sent_count,
    days.warmup_received_count,
    days.warmup_inbox_count,
    days.warmup_spam_count,
    {{ instantly.ratio('days.warmup_inbox_count', 'days.warmup_sent_count') }} as warmup_inbox_rate_per_sent,
    days.loaded_at
from days
left join {{ ref('stg_instantly__accounts') }} as accounts
    on accounts.workspace_id = days.workspace_id and accounts.email = days.email
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = days.workspace_id
