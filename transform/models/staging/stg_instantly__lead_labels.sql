-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'lead_labels',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'label_id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('created_by', 'created_by', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('label', 'label', 'text'),
        ('interest_status_label', 'interest_status_label', 'text'),
        ('interest_status', 'interest_status', 'bigint'),
        ('description', 'description', 'text'),
        ('use_with_ai', 'use_with_ai', 'boolean'),
        ('access_grants', 'access_grants', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
