{%- set counts = ['leads_count', 'contacted_count', 'open_count_unique', 'reply_count_unique', 'positive_count', 'meeting_booked_count', 'closed_count'] -%}
with reached as (
    {%- for count in counts %}
    select
        workspace_id,
        workspace_name,
        source_relation,
        campaign_id,
        campaign_name,
        {{ loop.index }} as stage_number,
        '{{ instantly.stages()[loop.index0] }}' as stage,
        {{ count }} as reached_count,
        -- Of campaigns that were tracked for a while some leads were contacted when nobody counted.
        {{ "case when is_open_tracked_throughout then contacted_count end" if count == 'open_count_unique' else 'contacted_count' }} as contacted_count
    from {{ ref('instantly__campaigns') }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

now as (
    select
        campaign_id,
        stage_number,
        count(*) as now_count
    from {{ ref('instantly__leads') }}
    where campaign_id is not null
    group by campaign_id, stage_number
)

select
    reached.workspace_id,
    reached.workspace_name,
    reached.source_relation,
    reached.campaign_id,
    reached.campaign_name,
    cast(reached.stage_number as bigint) as stage_number,
    cast(reached.stage as {{ instantly.sql_type('text') }}) as stage,
    reached.reached_count,
    case
        when reached.stage_number > 1 then {{ instantly.ratio('reached.reached_count', 'reached.contacted_count') }}
    end as reached_per_contacted,
    case when reached.reached_count is not null then reached.contacted_count end as contacted_count,
    cast({{ instantly.or_nothing('now.campaign_id', 'now.now_count', 'workspaces.leads_until') }} as bigint) as now_count
from reached
left join now on now.campaign_id = reached.campaign_id and now.stage_number = reached.stage_number
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = reached.workspace_id
