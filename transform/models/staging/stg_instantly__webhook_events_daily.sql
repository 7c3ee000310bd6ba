-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='webhook_events_daily' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'webhook_events_daily',
    key=['workspace_id', 'date'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('date', 'date', 'date'),
        ('total_events', 'total_events', 'bigint'),
        ('successful_events', 'successful_events', 'bigint'),
        ('failed_events', 'failed_events', 'bigint'),
        ('success_rate', 'success_rate', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
