-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('accounts', key=['workspace_id', 'email'], codes=ref('instantly_codes')) }}
