-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_lead_finder_stats' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_lead_finder_stats',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('leads_added_total', 'leads_added_total', 'bigint'),
        ('top_ups_completed', 'top_ups_completed', 'bigint'),
        ('top_ups_failed', 'top_ups_failed', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
