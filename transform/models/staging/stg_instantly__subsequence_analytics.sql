-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'subsequence_analytics',
    key=['subsequence_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('campaign_id', 'campaign_id', 'text'),
        ('subsequence_id', 'subsequence_id', 'text'),
        ('emails_sent', 'emails_sent', 'bigint'),
        ('unique_opens', 'unique_opens', 'bigint'),
        ('unique_replies', 'unique_replies', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
