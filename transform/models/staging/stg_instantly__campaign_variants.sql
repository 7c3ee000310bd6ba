-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'campaign_variants',
    key=['campaign_id', 'step', 'variant'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('campaign_id', 'campaign_id', 'text'),
        ('step', 'step', 'text'),
        ('variant', 'variant', 'text'),
        ('subject', 'subject', 'text'),
        ('body', 'body', 'text'),
        ('v_disabled', 'v_disabled', 'boolean'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
