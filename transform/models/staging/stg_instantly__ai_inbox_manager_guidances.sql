-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_inbox_manager_guidances' in var('instantly__streams_on')) }}
{{ instantly.stage('ai_inbox_manager_guidances', key=['id'], codes=ref('instantly_codes')) }}
