-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'account_warmup',
    key=['workspace_id', 'email'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('email', 'email', 'address'),
        ('sent', 'sent', 'bigint'),
        ('received', 'received', 'bigint'),
        ('landed_inbox', 'landed_inbox', 'bigint'),
        ('landed_spam', 'landed_spam', 'bigint'),
        ('health_score_label', 'health_score_label', 'text'),
        ('health_score', 'health_score', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
