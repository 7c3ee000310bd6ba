{%- set events = instantly.webhook_events() -%}
{%- set payload = instantly.unwrapped('payload') -%}
{%- set texts = ['event_type', 'timestamp', 'campaign_id', 'email_account', 'email_id', 'step', 'variant'] -%}
-- The event happened even if the receiver refused the delivery. Of an event that was delivered again
-- the first attempt counts.
with attempts as (
    select
        workspace_id,
        id,
        created_at,
        webhook_url,
        {%- for name in texts %}
        {{ instantly.json_text(payload, [name]) }} as sent_{{ name }},
        {%- endfor %}
        coalesce(lead_email, lower({{ instantly.json_text(payload, ['lead_email']) }})) as lead_email,
        loaded_at,
        row_number() over (partition by workspace_id, coalesce(retry_group_id, id) order by created_at, id) as attempt_number
    from {{ ref('int_instantly__webhook_events') }}
),

labels as (
    select workspace_id, lower(label) as label, min(interest_status) as interest_status
    from {{ ref('stg_instantly__lead_labels') }}
    group by workspace_id, lower(label)
)

select
    attempts.workspace_id,
    attempts.id as delivery_id,
    attempts.webhook_url,
    attempts.lead_email,
    attempts.sent_campaign_id as campaign_id,
    case attempts.sent_event_type
        {%- for name, (event_type, _) in events.items() %}
        when '{{ name }}' then '{{ event_type }}'
        {%- endfor %}
        else 'interest'
    end as event_type,
    cast(
        case attempts.sent_event_type
            {%- for name, (_, code) in events.items() if code is not none %}
            when '{{ name }}' then {{ code }}
            {%- endfor %}
            else labels.interest_status
        end as bigint
    ) as interest_status_code,
    case when attempts.sent_event_type not in ('{{ events | join("', '") }}') then attempts.sent_event_type end as label,
    {{ instantly.plausible(instantly.utc_of_text('attempts.sent_timestamp'), 'attempts.created_at') }} as occurred_at,
    case attempts.sent_event_type when 'auto_reply_received' then true when 'reply_received' then false end as is_automatic,
    lower(attempts.sent_email_account) as sender_email,
    attempts.sent_email_id as email_id,
    -- Both from 1.
    {{ instantly.whole_number('attempts.sent_step') }} as step_number,
    {{ instantly.whole_number('attempts.sent_variant') }} - 1 as variant_number,
    attempts.loaded_at
from attempts
left join labels
    on labels.workspace_id = attempts.workspace_id and labels.label = lower(attempts.sent_event_type)
where
    attempts.attempt_number = 1
    and attempts.lead_email is not null
    and attempts.sent_event_type not in ('{{ instantly.webhook_events_of_no_lead() | join("', '") }}')
    -- With hashed personal data, the whole payload is hashed.
    and not {{ instantly.is_hash('attempts.sent_event_type') }}
