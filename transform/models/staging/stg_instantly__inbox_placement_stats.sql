-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_stats' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'inbox_placement_stats',
    key=['test_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('test_id', 'test_id', 'text'),
        ('count', 'count', 'bigint'),
        ('spam_count', 'spam_count', 'bigint'),
        ('spam_percent', 'spam_percent', 'double precision'),
        ('inbox_count', 'inbox_count', 'bigint'),
        ('inbox_percent', 'inbox_percent', 'double precision'),
        ('category_count', 'category_count', 'bigint'),
        ('category_percent', 'category_percent', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
