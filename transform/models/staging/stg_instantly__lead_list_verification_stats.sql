-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'lead_list_verification_stats',
    key=['list_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('list_id', 'list_id', 'text'),
        ('stats', 'stats', 'json'),
        ('total_leads', 'total_leads', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
