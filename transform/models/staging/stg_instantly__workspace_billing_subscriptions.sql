-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='workspace_billing_subscriptions' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'workspace_billing_subscriptions',
    key=['workspace_id', 'product_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('interval', 'workspace_billing_subscriptions_interval', 'text'),
        ('quantity', 'quantity', 'bigint'),
        ('product_id', 'product_id', 'text'),
        ('product_type', 'product_type', 'text'),
        ('plan_type', 'plan_type', 'text'),
        ('current_period_end', 'current_period_end', 'bigint'),
        ('cancel_at_time', 'cancel_at_time', 'bigint'),
        ('price_in_dollars', 'price_in_dollars', 'double precision'),
        ('price_id', 'price_id', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
