-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='dfy_orders' in var('instantly__streams_on')) }}
{{ instantly.stage('dfy_orders', key=['workspace_id', 'domain']) }}
