-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='account_campaign_mappings' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'account_campaign_mappings',
    key=['workspace_id', 'email', 'campaign_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('email', 'email', 'address'),
        ('campaign_id', 'campaign_id', 'text'),
        ('campaign_name', 'campaign_name', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('status', 'status_code', 'bigint', 'status', 'account_campaign_mappings', 'status'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
