{{ config(materialized='view') }}
{{ instantly.if_staged('emails', {
    'workspace_id': 'text',
    'email_id': 'text',
    'thread_id': 'text',
    'created_at': 'timestamp',
    'email_at': 'timestamp',
    'subject': 'text',
    'from_address_email': 'text',
    'campaign_id': 'text',
    'lead': 'text',
    'lead_id': 'text',
    'eaccount': 'text',
    'ue_type_code': 'bigint',
    'step': 'text',
    'is_auto_reply': 'bigint',
    'loaded_at': 'timestamp',
}) }}
