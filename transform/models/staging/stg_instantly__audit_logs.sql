-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='audit_logs' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'audit_logs',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('timestamp', 'audit_logs_timestamp', 'timestamp'),
        ('organization_id', 'organization_id', 'text'),
        ('activity_type', 'activity_type_code', 'bigint', 'activity_type', 'audit_logs', 'activity_type'),
        ('user_agent', 'user_agent', 'text'),
        ('user_id', 'user_id', 'text'),
        ('ip_address', 'ip_address', 'text'),
        ('from_api', 'from_api', 'boolean'),
        ('api_key_id', 'api_key_id', 'text'),
        ('affected_count', 'affected_count', 'bigint'),
        ('campaign_id', 'campaign_id', 'text'),
        ('webhook_id', 'webhook_id', 'text'),
        ('subsequence_id', 'subsequence_id', 'text'),
        ('list_id', 'list_id', 'text'),
        ('audit_metadata', 'audit_metadata', 'json'),
        ('user_name', 'user_name', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
