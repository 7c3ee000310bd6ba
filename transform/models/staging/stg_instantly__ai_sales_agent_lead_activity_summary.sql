-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agent_lead_activity_summary' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_sales_agent_lead_activity_summary',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('total', 'total', 'bigint'),
        ('replied', 'replied', 'bigint'),
        ('has_opportunity', 'has_opportunity', 'bigint'),
        ('reply_rate', 'reply_rate', 'double precision'),
        ('opportunity_rate', 'opportunity_rate', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
