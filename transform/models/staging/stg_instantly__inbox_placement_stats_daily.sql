-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='inbox_placement_stats_daily' in var('instantly__streams_on')) }}
{{ instantly.stage('inbox_placement_stats_daily', key=['test_id', 'timestamp_created_date']) }}
