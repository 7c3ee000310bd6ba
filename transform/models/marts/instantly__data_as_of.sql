{%- set dated = ['campaign_analytics_daily', 'account_analytics_daily', 'account_warmup_daily'] -%}
{%- set streams = dated + ['campaigns', 'campaign_analytics', 'campaign_analytics_overview', 'campaign_analytics_steps', 'accounts', 'account_warmup', 'leads', 'subsequence_analytics'] -%}
with streams as (
    {%- for stream in streams %}
    select
        workspace_id,
        '{{ stream }}' as stream,
        count(*) as rows_count,
        max(loaded_at) as loaded_at,
        {{ 'max(date)' if stream in dated else 'cast(null as date)' }} as latest_date
    from {{ ref('stg_instantly__' ~ stream) }}
    group by workspace_id
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    streams.workspace_id,
    workspaces.workspace_name,
    cast(streams.stream as text) as stream,
    cast(streams.rows_count as bigint) as rows_count,
    streams.loaded_at,
    streams.latest_date,
    workspaces.as_of_date
from streams
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = streams.workspace_id
