-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('campaign_variants', key=['campaign_id', 'step', 'variant']) }}
