-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_agent_analytics' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_agent_analytics',
    key=['agent_id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('reach', 'reach', 'bigint'),
        ('outcome', 'outcome', 'bigint'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
