-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'campaign_steps',
    key=['campaign_id', 'step'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('campaign_id', 'campaign_id', 'text'),
        ('step', 'step', 'text'),
        ('variant_count', 'variant_count', 'bigint'),
        ('type', 'type', 'text'),
        ('delay', 'delay', 'double precision'),
        ('delay_unit', 'delay_unit', 'text'),
        ('pre_delay', 'pre_delay', 'double precision'),
        ('pre_delay_unit', 'pre_delay_unit', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
