-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_lead_finders' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_lead_finders',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('name', 'name', 'text'),
        ('payload', 'payload', 'json'),
        ('type', 'type_code', 'bigint', 'type', 'ai_lead_finders', 'type'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('status', 'status_code', 'bigint', 'status', 'ai_lead_finders', 'status'),
        ('is_auto_created', 'is_auto_created', 'boolean'),
        ('created_by', 'created_by', 'text'),
        ('description', 'description', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
