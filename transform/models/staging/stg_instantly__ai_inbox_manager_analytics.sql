-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_inbox_manager_analytics' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_inbox_manager_analytics',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('total_actions', 'total_actions', 'bigint'),
        ('replies_count', 'replies_count', 'bigint'),
        ('follow_ups_count', 'follow_ups_count', 'bigint'),
        ('human_intervention', 'human_intervention', 'bigint'),
        ('info_requested', 'info_requested', 'bigint'),
        ('unique_conversations', 'unique_conversations', 'bigint'),
        ('time_saved', 'time_saved', 'double precision'),
        ('average_confidence_score', 'average_confidence_score', 'double precision'),
        ('involvement_rate', 'involvement_rate', 'double precision'),
        ('resolution_rate', 'resolution_rate', 'double precision'),
        ('no_show_follow_ups_generated', 'no_show_follow_ups_generated', 'bigint'),
        ('no_show_total_leads_recovered', 'no_show_total_leads_recovered', 'bigint'),
        ('no_show_total_revenue_recovered', 'no_show_total_revenue_recovered', 'double precision'),
        ('no_show_time_saved', 'no_show_time_saved', 'double precision'),
        ('no_show_recovery_rate', 'no_show_recovery_rate', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
