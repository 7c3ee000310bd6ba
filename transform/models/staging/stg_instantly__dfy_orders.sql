-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='dfy_orders' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'dfy_orders',
    key=['workspace_id', 'domain'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('domain', 'domain', 'address'),
        ('forwarding_domain', 'forwarding_domain', 'address'),
        ('forwarding_mode', 'forwarding_mode', 'text'),
        ('is_pre_warmed_up', 'is_pre_warmed_up', 'boolean'),
        ('timestamp_cancelled', 'cancelled_at', 'timestamp'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
