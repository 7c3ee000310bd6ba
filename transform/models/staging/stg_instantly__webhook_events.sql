-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='webhook_events' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'webhook_events',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_created_date', 'timestamp_created_date', 'date'),
        ('organization_id', 'organization_id', 'text'),
        ('payload', 'payload', 'json'),
        ('success', 'success', 'boolean'),
        ('retry_count', 'retry_count', 'bigint'),
        ('will_retry', 'will_retry', 'boolean'),
        ('webhook_url', 'webhook_url', 'text'),
        ('status_code', 'status_code', 'bigint'),
        ('error_message', 'error_message', 'text'),
        ('timestamp_next_retry', 'next_retry_at', 'timestamp'),
        ('retry_group_id', 'retry_group_id', 'text'),
        ('retry_successful', 'retry_successful', 'boolean'),
        ('lead_email', 'lead_email', 'address'),
        ('response_time_ms', 'response_time_ms', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
