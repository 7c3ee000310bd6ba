-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_group_members' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'workspace_group_members',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('admin_workspace_id', 'admin_workspace_id', 'text'),
        ('sub_workspace_id', 'sub_workspace_id', 'text'),
        ('status', 'status', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('sub_workspace_name', 'sub_workspace_name', 'text'),
        ('admin_workspace_name', 'admin_workspace_name', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
