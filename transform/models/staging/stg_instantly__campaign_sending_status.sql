-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='campaign_sending_status' in var('instantly__streams_on')) }}
{{ instantly.stage('campaign_sending_status', key=['campaign_id']) }}
