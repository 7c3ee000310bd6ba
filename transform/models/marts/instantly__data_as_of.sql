select
    loads.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    loads.stream,
    loads.rows_count,
    loads.loaded_at,
    loads.first_date,
    loads.latest_date,
    -- Without load times, streams without days count as loaded with the figures.
    coalesce(loads.complete_until, workspaces.last_date) as complete_until,
    workspaces.loaded_until,
    workspaces.as_of_date
from {{ ref('int_instantly__loads') }} as loads
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = loads.workspace_id
