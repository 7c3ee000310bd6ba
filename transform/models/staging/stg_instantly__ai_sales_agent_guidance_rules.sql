-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agent_guidance_rules' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_sales_agent_guidance_rules',
    key=['agent_id', 'id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('id', 'id', 'text'),
        ('title', 'title', 'text'),
        ('content', 'content', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
