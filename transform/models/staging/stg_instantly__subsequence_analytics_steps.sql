-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('subsequence_analytics_steps', key=['subsequence_id', 'step', 'variant']) }}
