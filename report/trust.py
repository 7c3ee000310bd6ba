"""Queries on the marts about data quality: freshness, rows left out, reconciliation."""

from __future__ import annotations

FRESHNESS = """
select
    workspace_id,
    max(workspace_name) as workspace_name,
    max(as_of_date) as as_of_date,
    max(loaded_at) as loaded_at,
    max(loaded_until) as loaded_until
from {marts}.instantly__data_as_of
group by workspace_id
order by 2, 1
"""
"""The first query: it returns the last day of the periods."""

ENDS = """
ends as (
    select
        workspace_id,
        max(as_of_date) as as_of_date,
        max(case when first_date <= {end} and loaded_until >= {start} then 0 end) as quiet,
        max(case when first_date < {start} and loaded_until >= {before} then 0 end) as quiet_before
    from (
        select
            workspace_id,
            as_of_date,
            case
                when stream = 'campaign_analytics_daily' and first_date <= complete_until then first_date
            end as first_date,
            case when as_of_date < complete_until then as_of_date else complete_until end as loaded_until
        from {marts}.instantly__data_as_of
    ) as loads
    group by workspace_id
)
"""
"""Days loaded before they were over are excluded. Workspaces may have been loaded on different days. A campaign without
rows has 0 on days that were loaded; on other days its value is unknown."""

TRUST = {
    "first_days": """
        select workspace_id, max(workspace_name) as workspace_name, min(first_date) as date, max(first_date) as all_from
        from {marts}.instantly__data_as_of
        where stream in ('campaign_analytics_daily', 'account_analytics_daily') and first_date is not null
        group by workspace_id
        order by 2, 3
    """,
    "streams": """
        select workspace_id, workspace_name, stream
        from {marts}.instantly__data_as_of
        order by workspace_name, workspace_id, stream
    """,
    "ever_sent": """
        select workspace_id, cast(sum(sent) as bigint) as sent
        from (
            select workspace_id, emails_sent_count as sent from {marts}.instantly__campaigns
            union all
            select workspace_id, sent_count from {marts}.instantly__step_variants
            union all
            select workspace_id, sent_count from {marts}.instantly__workspace_daily
            union all
            select workspace_id, account_sent_count from {marts}.instantly__workspace_daily
        ) as counts
        group by workspace_id
    """,
    "stale": """
        select workspace_name, stream, complete_until
        from (
            select workspace_name, stream, complete_until,
                max(complete_until) over (partition by workspace_id) as newest
            from {marts}.instantly__data_as_of
            where stream in (
                'campaign_analytics_daily', 'account_analytics_daily', 'campaign_analytics',
                'campaign_analytics_overview', 'campaign_analytics_steps', 'leads'
            )
        ) as streams
        where complete_until < newest - 1
        order by complete_until, workspace_name, stream
    """,
    "odd_rows": """
        select workspace_name, stream, subject, date, reason
        from {marts}.instantly__odd_rows
        order by date, stream, row_key, workspace_id
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
