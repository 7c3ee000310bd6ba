-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='background_jobs' in var('instantly__streams_on')) }}
{{ instantly.stage('background_jobs', key=['id']) }}
