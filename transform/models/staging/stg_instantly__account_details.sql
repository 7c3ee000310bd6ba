-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='account_details' in var('instantly__streams_on')) }}
{{ instantly.stage('account_details', key=['workspace_id', 'email'], codes=ref('instantly_codes')) }}
