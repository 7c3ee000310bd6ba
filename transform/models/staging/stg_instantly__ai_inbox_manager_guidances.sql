-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_inbox_manager_guidances' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_inbox_manager_guidances',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('label', 'label', 'text'),
        ('instruction', 'instruction', 'text'),
        ('status', 'status_code', 'bigint', 'status', 'ai_inbox_manager_guidances', 'status'),
        ('category', 'category_code', 'bigint', 'category', 'ai_inbox_manager_guidances', 'category'),
        ('basic_guidance_options', 'basic_guidance_options', 'json'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
