-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_stats_daily' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'inbox_placement_stats_daily',
    key=['test_id', 'timestamp_created_date'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('test_id', 'test_id', 'text'),
        ('timestamp_created_date', 'timestamp_created_date', 'date'),
        ('sent_count', 'sent_count', 'bigint'),
        ('received_count', 'received_count', 'bigint'),
        ('spam_count', 'spam_count', 'bigint'),
        ('inbox_count', 'inbox_count', 'bigint'),
        ('category_count', 'category_count', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
