-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('campaign_steps', key=['campaign_id', 'step']) }}
