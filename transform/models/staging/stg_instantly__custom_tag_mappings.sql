-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='custom_tag_mappings' in var('instantly__streams_on')) }}
{{ instantly.stage('custom_tag_mappings', key=['id'], codes=ref('instantly_codes')) }}
