-- A workspace that has sent has figures of each kind; one of which a load left some out is not to be taken for a quiet one.
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
)

select wanted.workspace_id, wanted.stream
from wanted
left join {{ ref('instantly__data_as_of') }} as found
    on found.workspace_id = wanted.workspace_id and found.stream = wanted.stream
where found.stream is null
