{%- set streams = instantly.dated() + ['campaigns', 'campaign_analytics', 'campaign_analytics_overview', 'campaign_analytics_steps', 'accounts', 'account_warmup', 'leads', 'subsequence_analytics'] -%}
with records as (
    {%- for stream in streams %}
    select
        workspace_id,
        '{{ stream }}' as stream,
        {{ 'date' if stream in instantly.dated() else 'cast(null as date)' }} as date,
        loaded_at,
        coalesce(extracted_at, loaded_at) as extracted_at
    from {{ instantly.usable(stream) if stream in instantly.dated() else ref('stg_instantly__' ~ stream) }} as of_stream
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

-- Rows of one load follow each other closely, however long it takes.
ordered as (
    select
        *,
        lag(extracted_at) over (partition by workspace_id, stream order by extracted_at) as previous_at
    from records
),

loads as (
    select
        workspace_id,
        stream,
        count(*) as rows_count,
        max(loaded_at) as loaded_at,
        min(date) as first_date,
        max(date) as latest_date,
        max(
            case when previous_at is null or previous_at < {{ instantly.last_load_from('extracted_at') }} then extracted_at end
        ) as last_load_from
    from ordered
    group by workspace_id, stream
),

known as (
    select
        workspace_id,
        cast(stream as {{ instantly.sql_type('text') }}) as stream,
        cast(rows_count as bigint) as rows_count,
        loaded_at,
        first_date,
        latest_date,
        -- The last load may have begun before midnight: then it does not have all of that day. Where the loader does not note
        -- when it loaded, the last day of the stream counts as whole.
        coalesce({{ instantly.days_after('cast(last_load_from as date)', -1) }}, latest_date) as complete_until
    from loads
),

sent as (
    select
        workspace_id,
        campaign_id,
        sum(sent) as sent,
        max(date) as latest_date
    from {{ instantly.usable('campaign_analytics_daily') }} as days
    group by workspace_id, campaign_id
),

-- The last day that has rows is read again each time, unless all campaigns with rows of it are gone. Then only the totals
-- say how far the days were loaded, if those of the existing campaigns have no more emails than their days.
idle as (
    select known.workspace_id
    from known
    inner join (
        select *, max(loaded_at) over (partition by workspace_id) as last_loaded_at
        from {{ ref('stg_instantly__campaign_analytics') }}
    ) as totals on totals.workspace_id = known.workspace_id
    left join sent on sent.campaign_id = totals.campaign_id
    where known.stream = 'campaign_analytics_daily' and totals.loaded_at >= {{ instantly.last_load_from('totals.last_loaded_at') }}
    group by known.workspace_id
    having
        max(case when sent.latest_date = known.latest_date then 1 else 0 end) = 0
        and max(case when totals.emails_sent_count between 0 and coalesce(sent.sent, 0) then 0 else 1 end) = 0
)

select
    known.workspace_id,
    known.stream,
    known.rows_count,
    known.loaded_at,
    known.first_date,
    known.latest_date,
    case
        when idle.workspace_id is not null then {{ instantly.later('totals.complete_until', 'known.complete_until') }}
        else known.complete_until
    end as complete_until
from known
left join idle on idle.workspace_id = known.workspace_id and known.stream = 'campaign_analytics_daily'
left join known as totals on totals.workspace_id = idle.workspace_id and totals.stream = 'campaign_analytics'
