-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='custom_tag_mappings' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'custom_tag_mappings',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('tag_id', 'tag_id', 'text'),
        ('resource_id', 'resource_id', 'address'),
        ('resource_type', 'resource_type_code', 'bigint', 'resource_type', 'custom_tag_mappings', 'resource_type'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('organization_id', 'organization_id', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
