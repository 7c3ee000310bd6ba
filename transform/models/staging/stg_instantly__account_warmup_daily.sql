-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'account_warmup_daily',
    key=['workspace_id', 'email', 'date'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('email', 'email', 'address'),
        ('date', 'date', 'date'),
        ('sent', 'sent', 'bigint'),
        ('landed_inbox', 'landed_inbox', 'bigint'),
        ('landed_spam', 'landed_spam', 'bigint'),
        ('received', 'received', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
