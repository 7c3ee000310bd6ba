{%- set in_time = 'partition by workspace_id, lead_id order by last_interest_change_at, loaded_at' -%}
with labels as (
    {{ instantly.interest_labels() }}
),

seen as (
    select
        workspace_id,
        lead_id,
        campaign_id,
        interest_status_code as to_code,
        last_interest_change_at as changed_at,
        loaded_at as seen_at,
        lag(interest_status_code) over ({{ in_time }}) as from_code,
        row_number() over ({{ in_time }}) as change_number
    from {{ ref('instantly_lead_interest') }}
)

select
    seen.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    seen.lead_id,
    seen.campaign_id,
    cast(seen.change_number as bigint) as change_number,
    seen.changed_at,
    seen.seen_at,
    seen.from_code as from_interest_status_code,
    {%- for side in ['from', 'to'] %}
    coalesce({{ side }}_codes.label, {{ side }}_labels.label) as {{ side }}_interest_status,
    coalesce({{ side }}_codes.meaning, lower({{ side }}_labels.interest_status_label)) as {{ side }}_interest,
    {%- endfor %}
    seen.to_code as to_interest_status_code
from seen
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = seen.workspace_id
{%- for side in ['from', 'to'] %}
left join {{ ref('instantly_codes') }} as {{ side }}_codes
    on {{ side }}_codes.stream = 'leads' and {{ side }}_codes.field = 'lt_interest_status'
    and {{ side }}_codes.code = seen.{{ side }}_code
left join labels as {{ side }}_labels
    on {{ side }}_labels.workspace_id = seen.workspace_id and {{ side }}_labels.interest_status = seen.{{ side }}_code
    and {{ side }}_labels.place = 1
{%- endfor %}
