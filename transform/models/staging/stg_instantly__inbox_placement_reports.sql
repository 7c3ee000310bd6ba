-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_reports' in var('instantly__streams_on')) }}
{{ instantly.stage('inbox_placement_reports', key=['id']) }}
