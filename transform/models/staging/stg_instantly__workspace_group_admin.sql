-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_group_admin' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'workspace_group_admin',
    key=['workspace_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('admin_workspace_name', 'admin_workspace_name', 'text'),
        ('has_admin_workspace', 'has_admin_workspace', 'boolean'),
        ('workspace_group_member_id', 'workspace_group_member_id', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
