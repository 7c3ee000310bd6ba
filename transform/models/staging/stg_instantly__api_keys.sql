-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='api_keys' in var('instantly__streams_on')) }}
{{ instantly.stage('api_keys', key=['id']) }}
