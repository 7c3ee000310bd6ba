-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='account_campaign_mappings' in var('instantly__streams_on')) }}
{{ instantly.stage('account_campaign_mappings', key=['workspace_id', 'email', 'campaign_id'], codes=ref('instantly_codes')) }}
