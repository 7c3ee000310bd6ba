-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('custom_tags', key=['tag_id']) }}
