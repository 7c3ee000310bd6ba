-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage('lead_labels', key=['label_id']) }}
