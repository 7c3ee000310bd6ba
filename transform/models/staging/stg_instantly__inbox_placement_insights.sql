-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_insights' in var('instantly__streams_on')) }}
{{ instantly.stage('inbox_placement_insights', key=['test_id', 'sender_esp_code', 'recipient_esp_code'], codes=ref('instantly_codes')) }}
