with sending as (
    select
        campaign_id,
        min(date) as first_date,
        max(date) as last_date
    from {{ instantly.usable('campaign_analytics_daily') }} as days
    where sent > 0
    group by campaign_id
),

counts as (
    select
        campaigns.*,
        figures.leads_count,
        figures.contacted_count,
        figures.new_leads_contacted_count,
        figures.emails_sent_count,
        figures.completed_count,
        figures.bounced_count,
        figures.unsubscribed_count,
        {{ instantly.tracked_ever('figures.open_count_unique', 'open_tracking', 'opens') }} as open_count_unique,
        {{ instantly.tracked_ever('figures.link_click_count_unique', 'link_tracking', 'clicks') }} as link_click_count_unique,
        figures.reply_count,
        {{ instantly.human('figures.reply_count_unique', 'figures.reply_count_automatic_unique') }} as reply_count_unique,
        figures.reply_count_automatic_unique,
        figures.total_opportunities as positive_count,
        outcomes.total_interested as interested_count,
        outcomes.total_meeting_booked as meeting_booked_count,
        outcomes.total_meeting_completed as meeting_completed_count,
        outcomes.total_closed as closed_count,
        figures.total_opportunity_value,
        figures.loaded_at
    from {{ ref('int_instantly__campaigns') }} as campaigns
    left join {{ instantly.usable('campaign_analytics') }} as figures
        on figures.campaign_id = campaigns.campaign_id
    left join {{ instantly.usable('campaign_analytics_overview') }} as outcomes
        on outcomes.campaign_id = campaigns.campaign_id
)

select
    counts.workspace_id,
    counts.workspace_name,
    counts.source_relation,
    counts.campaign_id,
    counts.campaign_name,
    counts.status_code as campaign_status_code,
    counts.status as campaign_status,
    counts.is_evergreen,
    counts.is_deleted,
    counts.has_analytics,
    counts.open_tracking,
    counts.link_tracking,
    counts.opens_whole as is_open_tracked_throughout,
    counts.created_at,
    sending.first_date as first_sent_date,
    sending.last_date as last_sent_date,
    counts.leads_count,
    counts.contacted_count,
    counts.new_leads_contacted_count,
    counts.emails_sent_count,
    counts.completed_count,
    counts.bounced_count,
    counts.unsubscribed_count,
    counts.open_count_unique,
    counts.link_click_count_unique,
    counts.reply_count,
    counts.reply_count_unique,
    counts.reply_count_automatic_unique,
    counts.positive_count,
    counts.interested_count,
    counts.meeting_booked_count,
    counts.meeting_completed_count,
    counts.closed_count,
    counts.total_opportunity_value as opportunity_value,
    {{ instantly.ratio('counts.reply_count_unique', 'counts.contacted_count') }} as reply_rate_per_contacted,
    {{ instantly.ratio('counts.reply_count_unique', 'counts.emails_sent_count') }} as reply_rate_per_sent,
    {{ instantly.ratio('counts.reply_count_automatic_unique', 'counts.contacted_count') }} as auto_reply_rate_per_contacted,
    {{ instantly.ratio('counts.positive_count', 'counts.emails_sent_count') }} as positive_reply_rate_per_sent,
    {{ instantly.ratio('counts.positive_count', 'counts.reply_count_unique') }} as positive_share_of_replies,
    {{ instantly.ratio('case when counts.opens_whole then counts.open_count_unique end', 'counts.contacted_count') }} as open_rate_per_contacted,
    {{ instantly.ratio('counts.bounced_count', 'counts.emails_sent_count') }} as bounce_rate_per_sent,
    {{ instantly.ratio('counts.unsubscribed_count', 'counts.contacted_count') }} as unsubscribe_rate_per_contacted,
    {{ instantly.ratio('counts.emails_sent_count', 'counts.positive_count') }} as emails_per_opportunity,
    {{ instantly.ratio('counts.emails_sent_count', 'counts.meeting_booked_count') }} as emails_per_meeting,
    counts.loaded_at
from counts
left join sending on sending.campaign_id = counts.campaign_id
