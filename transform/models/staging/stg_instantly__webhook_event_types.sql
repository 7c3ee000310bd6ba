-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='webhook_event_types' in var('instantly__streams_on')) }}
{{ instantly.stage('webhook_event_types', key=['workspace_id', 'id']) }}
