{{ config(
    materialized='incremental',
    incremental_strategy='merge' if target.type == 'bigquery' else 'delete+insert',
    unique_key=['campaign_id', 'snapshot_date'],
    on_schema_change='append_new_columns',
    full_refresh=false,
) }}
-- A row is replaced only by a later load of its day. A run without a new load would put new judgements (outcomes, tracking,
-- variables) beside earlier figures. Where loads have no times, each run counts as one of its day (UTC).
with today as (
    select
        *,
        coalesce(cast(loaded_at as date), {{ instantly.today() }}) as snapshot_date
    from {{ ref('instantly__campaigns') }}
    where has_analytics
)

select
    workspace_id,
    workspace_name,
    source_relation,
    campaign_id,
    campaign_name,
    campaign_status,
    snapshot_date,
    leads_count,
    contacted_count,
    emails_sent_count,
    bounced_count,
    unsubscribed_count,
    open_count_unique,
    reply_count_unique,
    reply_count_automatic_unique,
    positive_count,
    meeting_booked_count,
    closed_count,
    opportunity_value,
    loaded_at
from today
{%- if is_incremental() %}
where not exists (
    select 1
    from {{ this }} as kept
    where
        kept.campaign_id = today.campaign_id
        and (kept.snapshot_date > today.snapshot_date or kept.loaded_at >= today.loaded_at)
)
{%- endif %}
