-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='dfy_accounts' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'dfy_accounts',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('domain', 'domain', 'address'),
        ('email', 'email', 'address'),
        ('email_provider', 'email_provider_code', 'bigint', 'email_provider', 'dfy_accounts', 'email_provider'),
        ('first_name', 'first_name', 'text'),
        ('last_name', 'last_name', 'text'),
        ('is_pre_warmed_up', 'is_pre_warmed_up', 'boolean'),
        ('timestamp_cancelled', 'cancelled_at', 'timestamp'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
