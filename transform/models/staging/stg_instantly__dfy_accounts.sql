-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='dfy_accounts' in var('instantly__streams_on')) }}
{{ instantly.stage('dfy_accounts', key=['id'], codes=ref('instantly_codes')) }}
