-- A workspace that has sent has figures of each kind, at most a day older than those of the others. A
-- workspace that loads leave out must not look quiet.
{{ config(severity=var('instantly__quality_severity')) }}
with wanted as (
    select workspaces.workspace_id, streams.stream
    from {{ ref('int_instantly__workspaces') }} as workspaces
    cross join (
        {%- for stream in ('campaign_analytics', 'campaign_analytics_daily', 'campaign_analytics_overview', 'account_analytics_daily', 'accounts')
            if stream not in var('instantly__streams_off') %}
        select '{{ stream }}' as stream
        union all
        {%- endfor %}
        select 'campaigns' as stream
    ) as streams
    where workspaces.last_date is not null
),

found as (
    select workspace_id, stream, max(loaded_at) as loaded_at
    from {{ ref('instantly__data_as_of') }}
    group by workspace_id, stream
),

latest as (
    select stream, max(loaded_at) as loaded_at
    from found
    group by stream
)

select wanted.workspace_id, wanted.stream, found.loaded_at
from wanted
left join found on found.workspace_id = wanted.workspace_id and found.stream = wanted.stream
left join latest on latest.stream = wanted.stream
where found.stream is null or found.loaded_at < {{ dbt.dateadd('day', -1, 'latest.loaded_at') }}
