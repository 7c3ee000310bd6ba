-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='dfy_domain_forwarding' in var('instantly__streams_on')) }}
{{ instantly.stage('dfy_domain_forwarding', key=['workspace_id', 'domain']) }}
