-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('lead_list_verification_stats', key=['list_id']) }}
