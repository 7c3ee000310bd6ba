-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='campaign_sending_status' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'campaign_sending_status',
    key=['campaign_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('campaign_id', 'campaign_id', 'text'),
        ('diagnostics', 'diagnostics', 'json'),
        ('summary', 'summary', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
