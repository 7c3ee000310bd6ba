-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_insights' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'inbox_placement_insights',
    key=['test_id', 'sender_esp', 'recipient_esp'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('test_id', 'test_id', 'text'),
        ('from', 'inbox_placement_insights_from', 'text'),
        ('to', 'inbox_placement_insights_to', 'text'),
        ('previous_from', 'previous_from', 'text'),
        ('previous_to', 'previous_to', 'text'),
        ('sender_esp', 'sender_esp_code', 'bigint', 'sender_esp', 'inbox_placement_insights', 'sender_esp'),
        ('recipient_esp', 'recipient_esp_code', 'bigint', 'recipient_esp', 'inbox_placement_insights', 'recipient_esp'),
        ('spam_percentage', 'spam_percentage', 'double precision'),
        ('inbox_percentage', 'inbox_percentage', 'double precision'),
        ('category_percentage', 'category_percentage', 'double precision'),
        ('prev_spam_percentage', 'prev_spam_percentage', 'double precision'),
        ('prev_inbox_percentage', 'prev_inbox_percentage', 'double precision'),
        ('prev_category_percentage', 'prev_category_percentage', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
