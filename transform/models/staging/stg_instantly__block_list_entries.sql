-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='block_list_entries' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'block_list_entries',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('organization_id', 'organization_id', 'text'),
        ('bl_value', 'bl_value', 'address'),
        ('is_domain', 'is_domain', 'boolean'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
