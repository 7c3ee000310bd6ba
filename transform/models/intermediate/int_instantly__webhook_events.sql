{{ config(materialized='view') }}
{{ instantly.if_staged('webhook_events', {
    'workspace_id': 'text',
    'id': 'text',
    'created_at': 'timestamp',
    'payload': 'json',
    'webhook_url': 'text',
    'retry_group_id': 'text',
    'lead_email': 'text',
    'loaded_at': 'timestamp',
}) }}
