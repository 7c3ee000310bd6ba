-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_agents' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_agents',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('type', 'type_code', 'bigint', 'type', 'ai_agents', 'type'),
        ('name', 'name', 'text'),
        ('status', 'status_code', 'bigint', 'status', 'ai_agents', 'status'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('configuration_mode', 'configuration_mode', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
