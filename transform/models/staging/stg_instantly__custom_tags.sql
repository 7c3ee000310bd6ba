-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'custom_tags',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'tag_id', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('timestamp_updated', 'updated_at', 'timestamp'),
        ('organization_id', 'organization_id', 'text'),
        ('label', 'tag_label', 'text'),
        ('description', 'description', 'text'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
