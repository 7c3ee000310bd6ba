-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='webhook_events' in var('instantly__streams_on')) }}
{{ instantly.stage('webhook_events', key=['id']) }}
