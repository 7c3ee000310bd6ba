-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_inbox_managers' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_inbox_managers',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('name', 'name', 'text'),
        ('payload', 'payload', 'json'),
        ('type', 'type_code', 'bigint', 'type', 'ai_inbox_managers', 'type'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('status', 'status_code', 'bigint', 'status', 'ai_inbox_managers', 'status'),
        ('is_auto_created', 'is_auto_created', 'boolean'),
        ('created_by', 'created_by', 'text'),
        ('description', 'description', 'text'),
        ('metadata', 'metadata', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
