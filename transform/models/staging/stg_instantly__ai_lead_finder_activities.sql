-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_lead_finder_activities' in var('instantly__streams_on')) }}
{{ instantly.stage('ai_lead_finder_activities', key=['id']) }}
