-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_whitelabel_domain' in var('instantly__streams_on')) }}
{{ instantly.stage('workspace_whitelabel_domain', key=['workspace_id']) }}
