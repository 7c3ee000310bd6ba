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

loads as (
    select
        *,
        {{ instantly.last_load_from('max(extracted_at) over (partition by workspace_id, stream)') }} as last_load_from
    from records
)

select
    workspace_id,
    cast(stream as text) as stream,
    cast(count(*) as bigint) as rows_count,
    max(loaded_at) as loaded_at,
    min(date) as first_date,
    max(date) as latest_date,
    -- The last load may have begun before midnight: then it does not have all of that day.
    {{ instantly.days_after('cast(min(case when extracted_at >= last_load_from then extracted_at end) as date)', -1) }} as complete_until
from loads
group by workspace_id, stream
