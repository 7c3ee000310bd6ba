-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_billing_plan' in var('instantly__streams_on')) }}
{{ instantly.stage('workspace_billing_plan', key=['workspace_id']) }}
