-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='supersearch_enrichments' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'supersearch_enrichments',
    key=['resource_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('resource_id', 'resource_id', 'text'),
        ('in_progress', 'in_progress', 'boolean'),
        ('has_no_leads', 'has_no_leads', 'boolean'),
        ('exists', 'exists', 'boolean'),
        ('enrichment_payload', 'enrichment_payload', 'json'),
        ('auto_update', 'auto_update', 'boolean'),
        ('is_evergreen', 'is_evergreen', 'boolean'),
        ('search_filters', 'search_filters', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
