-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='background_jobs' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'background_jobs',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('user_id', 'user_id', 'text'),
        ('type', 'type', 'text'),
        ('entity_id', 'entity_id', 'text'),
        ('entity_type', 'entity_type', 'text'),
        ('data', 'data', 'json'),
        ('progress', 'progress', 'double precision'),
        ('status', 'status', 'text'),
        ('created_at', 'created_at', 'timestamp'),
        ('updated_at', 'updated_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
