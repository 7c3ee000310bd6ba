-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'lead_lists',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'list_id', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('has_enrichment_task', 'has_enrichment_task', 'boolean'),
        ('owned_by', 'owned_by', 'text'),
        ('name', 'list_name', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
