select
    loads.workspace_id,
    workspaces.workspace_name,
    loads.stream,
    loads.rows_count,
    loads.loaded_at,
    loads.first_date,
    loads.latest_date,
    loads.complete_until,
    workspaces.loaded_until,
    workspaces.as_of_date
from {{ ref('int_instantly__loads') }} as loads
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = loads.workspace_id
