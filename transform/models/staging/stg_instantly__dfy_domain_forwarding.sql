-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='dfy_domain_forwarding' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'dfy_domain_forwarding',
    key=['workspace_id', 'domain'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('domain', 'domain', 'address'),
        ('forwarding_domain', 'forwarding_domain', 'address'),
        ('forwarding_mode', 'forwarding_mode', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
