-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('campaign_analytics_daily', key=['campaign_id', 'date']) }}
