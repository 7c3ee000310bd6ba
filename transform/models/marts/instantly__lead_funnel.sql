{%- set counts = ['leads_count', 'contacted_count', 'open_count_unique', 'reply_count_unique', 'positive_count', 'meeting_booked_count', 'closed_count'] -%}
with reached as (
    {%- for count in counts %}
    select
        workspace_id,
        workspace_name,
        campaign_id,
        campaign_name,
        {{ loop.index }} as stage_number,
        '{{ instantly.stages()[loop.index0] }}' as stage,
        {{ count }} as reached_count,
        contacted_count
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
    reached.campaign_id,
    reached.campaign_name,
    cast(reached.stage_number as bigint) as stage_number,
    cast(reached.stage as text) as stage,
    reached.reached_count,
    case
        when reached.stage_number > 1 then {{ instantly.ratio('reached.reached_count', 'reached.contacted_count') }}
    end as reached_per_contacted,
    {%- if 'leads' in var('instantly__streams_off') %}
    cast(null as bigint) as now_count
    {%- else %}
    cast(coalesce(now.now_count, 0) as bigint) as now_count
    {%- endif %}
from reached
left join now on now.campaign_id = reached.campaign_id and now.stage_number = reached.stage_number
