-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'subsequences',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'subsequence_id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('parent_campaign', 'campaign_id', 'text'),
        ('workspace', 'workspace_id_sent', 'text'),
        ('status', 'status_code', 'bigint', 'status', 'subsequences', 'status'),
        ('timestamp_leads_updated', 'leads_updated_at', 'timestamp'),
        ('name', 'subsequence_name', 'text'),
        ('conditions', 'conditions', 'json'),
        ('subsequence_schedule', 'subsequence_schedule', 'json'),
        ('sequences', 'sequences', 'json'),
        ('auto_variant_select', 'auto_variant_select', 'json'),
        ('daily_limit_mode', 'daily_limit_mode', 'text'),
        ('daily_limit', 'daily_limit', 'bigint'),
        ('ignore_account_daily_limit', 'ignore_account_daily_limit', 'boolean'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
