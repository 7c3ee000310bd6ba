-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'account_analytics_daily',
    key=['workspace_id', 'email_account', 'date'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('date', 'date', 'date'),
        ('email_account', 'email', 'address'),
        ('sent', 'sent', 'bigint'),
        ('bounced', 'bounced', 'bigint'),
        ('contacted', 'contacted', 'bigint'),
        ('new_leads_contacted', 'new_leads_contacted', 'bigint'),
        ('opened', 'opened', 'bigint'),
        ('unique_opened', 'unique_opened', 'bigint'),
        ('replies', 'replies', 'bigint'),
        ('unique_replies', 'unique_replies', 'bigint'),
        ('replies_automatic', 'replies_automatic', 'bigint'),
        ('unique_replies_automatic', 'unique_replies_automatic', 'bigint'),
        ('clicks', 'clicks', 'bigint'),
        ('unique_clicks', 'unique_clicks', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
