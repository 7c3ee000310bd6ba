-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('lead_lists', key=['list_id']) }}
