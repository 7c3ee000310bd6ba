-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('workspaces', key=['workspace_id']) }}
