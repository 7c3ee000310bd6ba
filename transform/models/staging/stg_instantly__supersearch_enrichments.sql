-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='supersearch_enrichments' in var('instantly__streams_on')) }}
{{ instantly.stage('supersearch_enrichments', key=['resource_id']) }}
