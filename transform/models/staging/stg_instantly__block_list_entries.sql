-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='block_list_entries' in var('instantly__streams_on')) }}
{{ instantly.stage('block_list_entries', key=['id']) }}
