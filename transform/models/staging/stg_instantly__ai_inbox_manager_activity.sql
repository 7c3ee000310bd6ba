-- Written by `make docs` from the streams of the tap and their schemas.
{{ config(enabled='ai_inbox_manager_activity' in var('instantly__streams_on')) }}
{{ instantly.stage(
    'ai_inbox_manager_activity',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('agent_id', 'agent_id', 'text'),
        ('id', 'id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('activity_type', 'activity_type', 'text'),
        ('job_type', 'job_type', 'bigint'),
        ('lead_email', 'lead_email', 'address'),
        ('thread_id', 'thread_id', 'text'),
        ('requires_hitl', 'requires_hitl', 'boolean'),
        ('action_pending', 'action_pending', 'boolean'),
        ('sending_status', 'sending_status', 'bigint'),
        ('error_code', 'error_code', 'text'),
        ('is_followup', 'is_followup', 'boolean'),
        ('followup_number', 'followup_number', 'bigint'),
        ('estimated_time_saved_seconds', 'estimated_time_saved_seconds', 'double precision'),
        ('information_requested', 'information_requested', 'text'),
        ('recovery_method', 'recovery_method', 'text'),
        ('revenue_recovered', 'revenue_recovered', 'double precision'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
