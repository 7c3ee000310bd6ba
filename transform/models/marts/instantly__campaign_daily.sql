with counts as (
    select
        days.workspace_id,
        workspaces.workspace_name,
        workspaces.source_relation,
        days.campaign_id,
        campaigns.campaign_name,
        days.date,
        days.sent as sent_count,
        days.new_leads_contacted as new_leads_contacted_count,
        {{ instantly.tracked_that_day('days.opened', 'open_tracking', 'opens') }} as open_count,
        {{ instantly.tracked_that_day('days.clicks', 'link_tracking', 'clicks') }} as click_count,
        days.replies as reply_count,
        days.replies_automatic as automatic_reply_count,
        days.opportunities as opportunity_count,
        cast(null as bigint) as bounced_count,
        days.contacted as leads_contacted_that_day,
        {{ instantly.tracked_that_day('days.unique_opened', 'open_tracking', 'opens') }} as leads_opened_that_day,
        {{ instantly.tracked_that_day('days.unique_clicks', 'link_tracking', 'clicks') }} as leads_clicked_that_day,
        {{ instantly.human('days.unique_replies', 'days.unique_replies_automatic') }} as leads_replied_that_day,
        days.unique_replies_automatic as leads_replied_automatically_that_day,
        days.unique_opportunities as leads_positive_that_day,
        days.loaded_at
    from {{ instantly.usable('campaign_analytics_daily') }} as days
    left join {{ ref('int_instantly__campaigns') }} as campaigns on campaigns.campaign_id = days.campaign_id
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = days.workspace_id
)

select
    workspace_id,
    workspace_name,
    source_relation,
    campaign_id,
    campaign_name,
    date,
    sent_count,
    new_leads_contacted_count,
    open_count,
    click_count,
    reply_count,
    automatic_reply_count,
    opportunity_count,
    bounced_count,
    leads_contacted_that_day,
    leads_opened_that_day,
    leads_clicked_that_day,
    leads_replied_that_day,
    leads_replied_automatically_that_day,
    leads_positive_that_day,
    {{ instantly.ratio('leads_replied_that_day', 'sent_count') }} as reply_rate_per_sent_that_day,
    {{ instantly.ratio('opportunity_count', 'sent_count') }} as positive_reply_rate_per_sent,
    loaded_at
from counts
