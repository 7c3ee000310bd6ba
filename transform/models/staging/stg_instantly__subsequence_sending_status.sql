-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='subsequence_sending_status' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'subsequence_sending_status',
    key=['subsequence_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('subsequence_id', 'subsequence_id', 'text'),
        ('diagnostics', 'diagnostics', 'json'),
        ('summary', 'summary', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
