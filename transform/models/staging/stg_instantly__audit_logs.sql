-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='audit_logs' in var('instantly__streams_on')) }}
{{ instantly.stage('audit_logs', key=['id'], codes=ref('instantly_codes')) }}
