-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_inbox_manager_analytics_daily' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_inbox_manager_analytics_daily',
    key=['agent_id', 'date'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('date', 'date', 'date'),
        ('total_actions', 'total_actions', 'bigint'),
        ('replies_count', 'replies_count', 'bigint'),
        ('follow_ups_count', 'follow_ups_count', 'bigint'),
        ('human_intervention', 'human_intervention', 'bigint'),
        ('info_requested', 'info_requested', 'bigint'),
        ('unique_conversations', 'unique_conversations', 'bigint'),
        ('no_show_follow_ups_generated', 'no_show_follow_ups_generated', 'bigint'),
        ('no_show_total_leads_recovered', 'no_show_total_leads_recovered', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
