-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('campaign_analytics_overview', key=['campaign_id']) }}
