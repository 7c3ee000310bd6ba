-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_deliverability_state' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_deliverability_state',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('current_activity', 'current_activity', 'json'),
        ('schedule', 'schedule', 'json'),
        ('run_summary', 'run_summary', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
