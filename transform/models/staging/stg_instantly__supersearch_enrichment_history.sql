-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='supersearch_enrichment_history' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'supersearch_enrichment_history',
    key=['resource_id', 'position'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('resource_id', 'resource_id', 'text'),
        ('position', 'position', 'bigint'),
        ('entry', 'entry', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
