-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_lead_finders' in var('instantly__streams_on')) }}
{{ instantly.stage('ai_lead_finders', key=['id'], codes=ref('instantly_codes')) }}
