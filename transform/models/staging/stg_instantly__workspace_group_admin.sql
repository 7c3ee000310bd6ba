-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_group_admin' in var('instantly__streams_on')) }}
{{ instantly.stage('workspace_group_admin', key=['workspace_id']) }}
