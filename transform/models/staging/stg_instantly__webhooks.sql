-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='webhooks' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'webhooks',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('organization', 'organization', 'text'),
        ('campaign', 'campaign', 'text'),
        ('name', 'name', 'text'),
        ('target_hook_url', 'target_hook_url', 'text'),
        ('event_type', 'event_type', 'text'),
        ('custom_interest_value', 'custom_interest_value', 'bigint'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('status', 'status', 'bigint'),
        ('timestamp_error', 'error_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
