-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_reports' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'inbox_placement_reports',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_created_date', 'timestamp_created_date', 'date'),
        ('organization_id', 'organization_id', 'text'),
        ('test_id', 'test_id', 'text'),
        ('domain_blacklist_count', 'domain_blacklist_count', 'bigint'),
        ('domain', 'domain', 'address'),
        ('domain_ip', 'domain_ip', 'text'),
        ('domain_ip_blacklist_count', 'domain_ip_blacklist_count', 'bigint'),
        ('spam_assassin_score', 'spam_assassin_score', 'double precision'),
        ('spam_assassin_report', 'spam_assassin_report', 'json'),
        ('blacklist_report', 'blacklist_report', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
