-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_deliverability_state' in var('instantly__streams_on')) }}
{{ instantly.stage('ai_deliverability_state', key=['agent_id']) }}
