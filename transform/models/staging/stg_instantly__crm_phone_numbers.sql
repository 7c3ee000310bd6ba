-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='crm_phone_numbers' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'crm_phone_numbers',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('organization_id', 'organization_id', 'text'),
        ('phone_number', 'phone_number', 'text'),
        ('country', 'country', 'text'),
        ('locality', 'locality', 'text'),
        ('subscription_id', 'subscription_id', 'text'),
        ('twilio_sid', 'twilio_sid', 'text'),
        ('renewal_date', 'renewal_date', 'date'),
        ('price', 'price', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
