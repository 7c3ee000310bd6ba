-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('subsequences', key=['subsequence_id'], codes=ref('instantly_codes')) }}
