-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'subsequence_analytics_steps',
    key=['subsequence_id', 'step', 'variant'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('subsequence_id', 'subsequence_id', 'text'),
        ('step', 'step', 'text'),
        ('variant', 'variant', 'text'),
        ('sent', 'sent', 'bigint'),
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
