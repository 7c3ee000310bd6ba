-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='crm_phone_numbers' in var('instantly__streams_on')) }}
{{ instantly.stage('crm_phone_numbers', key=['id']) }}
