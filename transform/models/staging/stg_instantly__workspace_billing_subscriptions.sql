-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_billing_subscriptions' in var('instantly__streams_on')) }}
{{ instantly.stage('workspace_billing_subscriptions', key=['workspace_id', 'product_id']) }}
