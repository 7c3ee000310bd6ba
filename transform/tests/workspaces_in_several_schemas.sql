-- A workspace is in one of the schemas that are united. Each row counts once anyway, the one that was loaded last: but one that
-- was deleted in a schema may still be in another. Remove the workspace from all schemas but one.
select workspace_id, workspace_name, source_relation
from {{ ref('int_instantly__workspaces') }}
where is_in_several_schemas
