-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_esp_options' in var('instantly__streams_on')) }}
{{ instantly.stage('inbox_placement_esp_options', key=['workspace_id', 'region', 'sub_region', 'type', 'esp']) }}
