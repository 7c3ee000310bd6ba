-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_deliverability_agents' in var('instantly__streams_on')) }}
{{ instantly.stage('ai_deliverability_agents', key=['id'], codes=ref('instantly_codes')) }}
