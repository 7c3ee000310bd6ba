"""Queries of the report on the marts, in plain SQL for both DuckDB and Postgres.

Parameters in braces:

* `marts`: the schema;
* `start` and `end`: first and last day of the period;
* `before`: first day of the period of the same length before it;
* `trend`: first day of the trend and of the verdicts' data;
* `ends`: the last full day of each workspace, a common table expression defined below.

Queries that sum rows return parts and wholes and no rates, since a mean of rates is not a rate. Both come from the rows
that have both. Distinct leads of a day are never summed over days.
"""

from __future__ import annotations

from report.trust import TRUST

QUERIES = {
    "days": """
        select
            date,
            cast(sum(sent_count) as bigint) as sent,
            cast(sum(new_leads_contacted_count) as bigint) as new_leads,
            cast(sum(reply_count) as bigint) as replies,
            cast(sum(opportunity_count) as bigint) as positive,
            cast(sum(positive_reply_rate_part_count) as bigint) as rate_positive,
            cast(sum(positive_reply_rate_whole_count) as bigint) as rate_sent,
            cast(sum(replies_part_count) as bigint) as rate_replies,
            cast(sum(replies_whole_count) as bigint) as rate_replied_sent,
            cast(sum(bounce_rate_part_count) as bigint) as rate_bounced,
            cast(sum(bounce_rate_whole_count) as bigint) as rate_account_sent
        from {marts}.instantly__workspace_daily
        where is_complete and date between {trend} and {end}
        group by date
        order by date
    """,
    "meetings": """
        select
            count(meetings.lead_id) as meetings,
            max(case when loads.complete_until >= {start} then 1 end) as is_loaded,
            min(case when loads.complete_until >= {end} then 1 else 0 end) as is_whole
        from {marts}.instantly__data_as_of as loads
        left join {marts}.instantly__leads as meetings
            on meetings.workspace_id = loads.workspace_id
            and meetings.stage_number >= 6
            and cast(meetings.last_interest_change_at as date) between {start} and {end}
        where loads.stream = 'leads'
    """,
    "threads": """
        select
            workspace_id, workspace_name, thread_id, lead_email, campaign_name, subject, interest,
            waiting_since, hours_waiting
        from {marts}.instantly__threads
        where is_waiting and coalesce(interest, '') <> 'negative'
        order by case when interest = 'positive' then 0 else 1 end, waiting_since, workspace_id, thread_id
    """,
    "threads_loaded": """
        select count(*) as threads
        from {marts}.instantly__threads
    """,
    "funnel": """
        select
            stages.stage_number,
            max(stages.stage) as stage,
            cast(sum(stages.reached_count) as bigint) as reached,
            cast(sum(case when stages.contacted_count is not null then stages.reached_count end) as bigint) as known,
            cast(sum(stages.contacted_count) as bigint) as contacted
        from {marts}.instantly__lead_funnel as stages
        group by stages.stage_number
        order by stages.stage_number
    """,
    "campaigns": """
        with {ends}, sums as (
            select
                days.workspace_id,
                days.campaign_id,
                days.date >= {start} as is_now,
                cast(sum(days.sent_count) as bigint) as sent,
                cast(sum(days.opportunity_count) as bigint) as positive,
                cast(sum(case when days.opportunity_count is not null then days.sent_count end) as bigint) as rate_sent,
                cast(
                    sum(case when days.sent_count is not null then days.opportunity_count end) as bigint
                ) as rate_positive
            from {marts}.instantly__campaign_daily as days
            inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.as_of_date
            where days.date between {before} and {end}
            group by days.workspace_id, days.campaign_id, days.date >= {start}
        )
        select
            campaigns.workspace_id,
            campaigns.workspace_name,
            campaigns.campaign_id,
            campaigns.campaign_name,
            campaigns.campaign_status,
            campaigns.is_deleted,
            case when now.campaign_id is null then ends.quiet else now.sent end as sent,
            case when now.campaign_id is null then ends.quiet else now.positive end as positive,
            case when now.campaign_id is null then ends.quiet else now.rate_sent end as rate_sent,
            case when now.campaign_id is null then ends.quiet else now.rate_positive end as rate_positive,
            case when before.campaign_id is null then ends.quiet_before else before.sent end as sent_before,
            case when before.campaign_id is null then ends.quiet_before else before.positive end as positive_before,
            case when before.campaign_id is null then ends.quiet_before else before.rate_sent end as rate_sent_before,
            case
                when before.campaign_id is null then ends.quiet_before else before.rate_positive
            end as rate_positive_before,
            case when campaigns.is_open_tracked_throughout then campaigns.contacted_count end as ever_tracked,
            campaigns.emails_sent_count as ever_sent,
            campaigns.contacted_count as ever_contacted,
            campaigns.open_count_unique as ever_opened,
            campaigns.reply_count_unique as ever_replied,
            campaigns.positive_count as ever_positive,
            campaigns.meeting_booked_count as ever_meetings,
            campaigns.bounced_count as ever_bounced,
            campaigns.opportunity_value as ever_value
        from {marts}.instantly__campaigns as campaigns
        left join ends on ends.workspace_id = campaigns.workspace_id
        left join sums as now on now.campaign_id = campaigns.campaign_id and now.is_now
        left join sums as before on before.campaign_id = campaigns.campaign_id and not before.is_now
        where campaigns.has_analytics
        order by
            coalesce(now.positive, 0) desc,
            coalesce(now.sent, 0) desc,
            campaigns.campaign_name,
            campaigns.campaign_id
    """,
    "campaign_days": """
        with {ends}
        select
            days.workspace_id,
            days.campaign_id,
            days.date,
            days.sent_count as sent,
            days.opportunity_count as positive
        from {marts}.instantly__campaign_daily as days
        inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.as_of_date
        where days.date between {trend} and {end}
    """,
    "without_figures": """
        select count(*) as campaigns
        from {marts}.instantly__campaigns
        where not has_analytics and not coalesce(is_deleted, false)
    """,
    "steps": """
        select
            step_number,
            cast(sum(sent_count) as bigint) as sent,
            cast(sum(reply_count_unique) as bigint) as replied,
            cast(sum(positive_count) as bigint) as positive,
            cast(sum(case when reply_count_unique is not null then sent_count end) as bigint) as rate_sent,
            cast(sum(case when sent_count is not null then reply_count_unique end) as bigint) as rate_replied
        from {marts}.instantly__step_variants
        where step_number is not null
        group by step_number
        order by step_number
    """,
    "unattributed": """
        select
            cast(coalesce(sum(reply_count_unique), 0) as bigint) as replied,
            cast(coalesce(sum(positive_count), 0) as bigint) as positive
        from {marts}.instantly__step_variants
        where step_number is null
    """,
    "variants": """
        select
            workspace_id, campaign_id, campaign_name, step_number, variant, variant_label, subject, is_disabled,
            sent_count as sent,
            reply_count_unique as replied,
            positive_count as positive,
            reply_rate_per_sent as rate,
            reply_rate_per_sent_low as low,
            reply_rate_per_sent_high as high,
            is_early, is_best, is_clear_winner
        from {marts}.instantly__step_variants
        where is_attributed and variants_in_step > 1
        order by workspace_id, campaign_id, step_number, variant_label
    """,
    "health": """
        select health, count(*) as accounts
        from {marts}.instantly__accounts
        where not coalesce(is_deleted, false)
        group by health
    """,
    "deleted_senders": """
        select count(*) as accounts
        from {marts}.instantly__accounts
        where is_deleted
    """,
    "senders": """
        select
            workspace_id, workspace_name, email, provider, account_status, health, health_reason,
            sent_count_7d as sent,
            bounced_count_7d as bounced,
            bounce_rate_per_sent_7d as bounce_rate,
            bounce_rate_per_sent_prior_7d as bounce_rate_before,
            warmup_health_score as warmup_health
        from {marts}.instantly__accounts
        where health_rank < 3 and not coalesce(is_deleted, false)
        order by health_rank, coalesce(sent_count_7d, 0) desc, coalesce(bounced_count_7d, 0) desc, email, workspace_id
    """,
    "unmatched_senders": """
        with {ends}
        select count(*) as accounts
        from (
            select days.workspace_id, days.email
            from {marts}.instantly__account_daily as days
            inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.as_of_date
            left join {marts}.instantly__accounts as accounts
                on accounts.workspace_id = days.workspace_id and accounts.email = days.email
            where days.sent_count > 0 and days.date between {start} and {end} and days.is_attributed
                and accounts.email is null
            group by days.workspace_id, days.email
        ) as senders
    """,
    "sending": """
        with {ends}
        select
            coalesce(days.provider, 'Unknown') as provider,
            cast(sum(days.sent_count) as bigint) as sent,
            cast(sum(days.bounced_count) as bigint) as bounced,
            cast(sum(case when days.sent_count is not null then days.bounced_count end) as bigint) as rate_bounced,
            cast(sum(case when days.bounced_count is not null then days.sent_count end) as bigint) as bounced_sent,
            cast(sum(case when days.sent_count is not null then days.reply_count end) as bigint) as rate_replies,
            cast(sum(case when days.reply_count is not null then days.sent_count end) as bigint) as replied_sent,
            cast(sum(days.warmup_sent_count) as bigint) as warmup_sent,
            cast(sum(days.warmup_inbox_count) as bigint) as warmup_inbox
        from {marts}.instantly__account_daily as days
        inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.as_of_date
        where days.date between {start} and {end}
        group by coalesce(days.provider, 'Unknown')
        order by coalesce(sum(days.sent_count), 0) desc, 1
    """,
    "pairs": """
        select
            sender_provider as sender,
            recipient_esp as recipient,
            cast(sum(contacted_count) as bigint) as contacted,
            cast(sum(replied_count) as bigint) as replied,
            cast(sum(bounced_count) as bigint) as bounced
        from {marts}.instantly__esp_matrix
        group by sender_provider, recipient_esp
        order by 3 desc, 1, 2
    """,
} | TRUST
