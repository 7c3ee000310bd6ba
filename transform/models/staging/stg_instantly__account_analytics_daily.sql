-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('account_analytics_daily', key=['workspace_id', 'email', 'date']) }}
