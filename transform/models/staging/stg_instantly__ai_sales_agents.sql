-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_sales_agents' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_sales_agents',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('name', 'name', 'text'),
        ('description', 'description', 'text'),
        ('type', 'type', 'text'),
        ('input', 'input', 'text'),
        ('status', 'status_code', 'bigint', 'status', 'ai_sales_agents', 'status'),
        ('config', 'config', 'json'),
        ('created_by', 'created_by', 'text'),
        ('master_lead_list_id', 'master_lead_list_id', 'text'),
        ('initial_scrape_ready', 'initial_scrape_ready', 'boolean'),
        ('agent_type', 'agent_type', 'bigint'),
        ('self_improvement', 'self_improvement', 'boolean'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('timestamp_last_action', 'last_action_at', 'timestamp'),
        ('timestamp_last_decision', 'last_decision_at', 'timestamp'),
        ('next_decision_time', 'next_decision_time', 'timestamp'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
