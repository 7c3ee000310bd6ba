-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='supersearch_enrichment_history' in var('instantly__streams_on')) }}
{{ instantly.stage('supersearch_enrichment_history', key=['resource_id', 'position']) }}
