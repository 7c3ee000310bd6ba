-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='webhooks' in var('instantly__streams_on')) }}
{{ instantly.stage('webhooks', key=['id']) }}
