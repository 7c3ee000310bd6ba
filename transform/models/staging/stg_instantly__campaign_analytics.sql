-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('campaign_analytics', key=['campaign_id'], codes=ref('instantly_codes')) }}
