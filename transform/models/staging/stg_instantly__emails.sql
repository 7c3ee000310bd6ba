-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='emails' in var('instantly__streams_on')) }}
{{ instantly.stage('emails', key=['email_id'], codes=ref('instantly_codes')) }}
