-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agent_opportunities' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_sales_agent_opportunities',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('summary', 'summary', 'json'),
        ('campaigns', 'campaigns', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
