"""What the report asks of the marts: plain SQL that DuckDB and Postgres alike understand.

In braces: `marts`, the schema; `start` and `end`, first and last day of the period; `before`, first day of the period
of the same length before it; `trend`, first day of what trend and verdicts look at; `ends`, the last full day of each
workspace, as the common table expression below.

Rates are never asked for where rows are added up: they are made of the sums, since a mean of rates is no rate. What
counts distinct leads of one day is never added up over days.
"""

from __future__ import annotations

FRESHNESS = """
select
    workspace_id,
    max(workspace_name) as workspace_name,
    max(as_of_date) as as_of_date,
    max(loaded_at) as loaded_at,
    coalesce(cast(max(case when latest_date is not null then loaded_at end) as date) - 1, max(as_of_date)) as full_until
from {marts}.instantly__data_as_of
group by workspace_id
order by 2, 1
"""
"""Asked first: it says which day the periods end with. A workspace that was loaded after a day has all of that day,
also where nothing happened on it."""

ENDS = """
ends as (
    select
        workspace_id,
        coalesce(
            cast(max(case when latest_date is not null then loaded_at end) as date) - 1, max(as_of_date)
        ) as full_until
    from {marts}.instantly__data_as_of
    group by workspace_id
)
"""
"""Days that were not over when they were loaded are in no period; workspaces may have been loaded on different days."""

QUERIES = {
    "first_days": """
        select max(workspace_name) as workspace_name, min(date) as date
        from {marts}.instantly__workspace_daily
        group by workspace_id
        order by 1, 2
    """,
    "days": """
        select
            date,
            cast(sum(sent_count) as bigint) as sent,
            cast(sum(new_leads_contacted_count) as bigint) as new_leads,
            cast(sum(reply_count) as bigint) as replies,
            cast(sum(opportunity_count) as bigint) as positive,
            cast(sum(account_sent_count) as bigint) as account_sent,
            cast(sum(bounced_count) as bigint) as bounced
        from {marts}.instantly__workspace_daily
        where is_complete and date between {trend} and {end}
        group by date
        order by date
    """,
    "meetings": """
        select cast(last_interest_change_at as date) as date, count(*) as meetings
        from {marts}.instantly__leads
        where stage_number >= 6 and cast(last_interest_change_at as date) between {before} and {end}
        group by cast(last_interest_change_at as date)
        order by 1
    """,
    "funnel": """
        select
            stages.stage_number,
            max(stages.stage) as stage,
            cast(sum(stages.reached_count) as bigint) as reached,
            cast(
                sum(case when stages.reached_count is not null then contacted.reached_count end) as bigint
            ) as contacted
        from {marts}.instantly__lead_funnel as stages
        inner join {marts}.instantly__lead_funnel as contacted
            on contacted.workspace_id = stages.workspace_id
            and contacted.campaign_id = stages.campaign_id
            and contacted.stage_number = 2
        where contacted.reached_count is not null
        group by stages.stage_number
        order by stages.stage_number
    """,
    "campaigns": """
        with {ends}, days as (
            select
                days.workspace_id,
                days.campaign_id,
                cast(
                    sum(case when days.date >= {start} then days.sent_count else 0 end) as bigint
                ) as sent,
                cast(
                    sum(case when days.date < {start} then days.sent_count else 0 end) as bigint
                ) as sent_before,
                cast(
                    sum(case when days.date >= {start} then days.opportunity_count else 0 end) as bigint
                ) as positive,
                cast(
                    sum(case when days.date < {start} then days.opportunity_count else 0 end) as bigint
                ) as positive_before
            from {marts}.instantly__campaign_daily as days
            inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.full_until
            where days.date between {before} and {end}
            group by days.workspace_id, days.campaign_id
        )
        select
            campaigns.workspace_id,
            campaigns.workspace_name,
            campaigns.campaign_id,
            campaigns.campaign_name,
            campaigns.campaign_status,
            campaigns.is_deleted,
            coalesce(campaigns.open_tracking, true) as open_tracking,
            coalesce(days.sent, 0) as sent,
            coalesce(days.sent_before, 0) as sent_before,
            coalesce(days.positive, 0) as positive,
            coalesce(days.positive_before, 0) as positive_before,
            campaigns.emails_sent_count as ever_sent,
            campaigns.contacted_count as ever_contacted,
            campaigns.open_count_unique as ever_opened,
            campaigns.reply_count_unique as ever_replied,
            campaigns.positive_count as ever_positive,
            campaigns.meeting_booked_count as ever_meetings,
            campaigns.bounced_count as ever_bounced,
            campaigns.opportunity_value as ever_value
        from {marts}.instantly__campaigns as campaigns
        left join days on days.workspace_id = campaigns.workspace_id and days.campaign_id = campaigns.campaign_id
        where campaigns.has_analytics
        order by
            coalesce(days.positive, 0) desc,
            coalesce(days.sent, 0) desc,
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
        inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.full_until
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
            cast(sum(positive_count) as bigint) as positive
        from {marts}.instantly__step_variants
        where is_attributed
        group by step_number
        order by step_number
    """,
    "unattributed": """
        select
            cast(coalesce(sum(reply_count_unique), 0) as bigint) as replied,
            cast(coalesce(sum(positive_count), 0) as bigint) as positive
        from {marts}.instantly__step_variants
        where not is_attributed
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
        order by health_rank, sent_count_7d desc, bounced_count_7d desc, email, workspace_id
    """,
    "sending": """
        with {ends}
        select
            coalesce(days.provider, 'Unknown') as provider,
            cast(sum(days.sent_count) as bigint) as sent,
            cast(sum(days.bounced_count) as bigint) as bounced,
            cast(sum(days.reply_count) as bigint) as replies,
            cast(sum(days.warmup_sent_count) as bigint) as warmup_sent,
            cast(sum(days.warmup_inbox_count) as bigint) as warmup_inbox
        from {marts}.instantly__account_daily as days
        inner join ends on ends.workspace_id = days.workspace_id and days.date <= ends.full_until
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
    "checks": """
        select
            check_name,
            max(check_description) as description,
            count(is_ok) as compared,
            count(not_compared_because) as not_compared,
            cast(sum(case when is_ok then 1 else 0 end) as bigint) as agreeing,
            max(case when is_ok is not null then abs(difference) end) as largest_difference
        from {marts}.instantly__reconciliation
        group by check_name
        order by check_name
    """,
    "excuses": """
        select not_compared_because as reason, count(*) as pairs
        from {marts}.instantly__reconciliation
        where not_compared_because is not null
        group by not_compared_because
        order by 2 desc, 1
    """,
    "doubts": """
        select workspace_name, campaign_name, check_description as description, left_value, right_value
        from {marts}.instantly__reconciliation
        where not is_ok
        order by abs(difference) desc, campaign_name, check_name
    """,
}
