-- Written by `make docs` from the streams of the tap and their schemas.
{{ instantly.stage(
    'workspace_members',
    key=['id'],
    columns=[
        ('workspace_id', 'workspace_id', 'text'),
        ('workspace_name', 'workspace_name', 'text'),
        ('id', 'member_id', 'text'),
        ('email', 'email', 'address'),
        ('user_id', 'user_id', 'text'),
        ('user_email', 'user_email', 'address'),
        ('nickname', 'nickname', 'text'),
        ('name', 'member_name', 'json'),
        ('role', 'role', 'text'),
        ('timestamp_created', 'created_at', 'timestamp'),
        ('accepted', 'accepted', 'boolean'),
        ('issuer_id', 'issuer_id', 'text'),
        ('permissions', 'permissions', 'json'),
        ('unknown_fields', 'unknown_fields', 'json'),
    ],
) }}
