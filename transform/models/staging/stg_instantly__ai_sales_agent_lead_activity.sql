-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agent_lead_activity' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_sales_agent_lead_activity',
    key=['agent_id', 'email'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('email', 'email', 'address'),
        ('emails_sent', 'emails_sent', 'bigint'),
        ('open_count', 'open_count', 'bigint'),
        ('replied', 'replied', 'boolean'),
        ('reply_count', 'reply_count', 'bigint'),
        ('click_count', 'click_count', 'bigint'),
        ('bounced', 'bounced', 'boolean'),
        ('has_opportunity', 'has_opportunity', 'boolean'),
        ('lt_interest_status', 'lt_interest_status', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
