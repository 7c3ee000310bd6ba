-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agent_activities' in var('instantly__streams_on')) }}
{{ instantly.stage('ai_sales_agent_activities', key=['id']) }}
