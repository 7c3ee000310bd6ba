-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('workspace_members', key=['member_id']) }}
