-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('leads', key=['lead_id'], codes=ref('instantly_codes')) }}
