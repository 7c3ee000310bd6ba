-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agent_analytics' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_sales_agent_analytics',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('total_email_activity_per_day', 'total_email_activity_per_day', 'json'),
        ('replies_per_day', 'replies_per_day', 'json'),
        ('leads_found_per_day', 'leads_found_per_day', 'json'),
        ('opportunities_per_day', 'opportunities_per_day', 'json'),
        ('totals', 'totals', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
