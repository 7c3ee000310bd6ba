-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='subsequence_sending_status' in var('instantly__streams_on')) }}
{{ instantly.stage('subsequence_sending_status', key=['subsequence_id']) }}
