-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_analytics' in var('instantly__streams_on')) }}
{{ instantly.stage('inbox_placement_analytics', key=['id'], codes=ref('instantly_codes')) }}
