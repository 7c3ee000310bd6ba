-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_lead_finder_activities' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_lead_finder_activities',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'id', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('organization_id', 'organization_id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('event_type', 'event_type', 'text'),
        ('payload', 'payload', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
