-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='api_keys' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'api_keys',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('name', 'name', 'text'),
        ('scopes', 'scopes', 'json'),
        ('organization_id', 'organization_id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
