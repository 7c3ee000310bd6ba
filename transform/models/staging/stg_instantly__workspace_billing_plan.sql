-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_billing_plan' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'workspace_billing_plan',
    key=['workspace_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('organization_name', 'organization_name', 'text'),
        ('subscriptions', 'subscriptions', 'json'),
        ('addons', 'addons', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
