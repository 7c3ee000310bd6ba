{#- Type of event, and what says of a lead that there was one, and when the last one was. -#}
{%- set no_time = 'cast(null as ' ~ instantly.sql_type('timestamp') ~ ')' -%}
{%- set no_text = 'cast(null as ' ~ instantly.sql_type('text') ~ ')' -%}
{%- set kinds = [
    ('sent', 'last_contacted_at is not null', 'last_contacted_at'),
    ('opened', 'last_opened_at is not null', 'last_opened_at'),
    ('clicked', 'last_clicked_at is not null', 'last_clicked_at'),
    ('replied', 'last_replied_at is not null', 'last_replied_at'),
    ('bounced', 'lead_status_code = -1', no_time),
    ('unsubscribed', 'lead_status_code = -2', no_time),
] -%}
{%- set in_time = 'partition by workspace_id, lead_key, event_type, what order by matched_at, channel, place_in_channel' -%}
with leads as (
    select
        workspace_id,
        lead_id,
        email as lead_email,
        campaign_id,
        lead_status_code,
        interest_status_code,
        sender_email,
        last_contacted_at,
        last_opened_at,
        last_clicked_at,
        last_replied_at,
        last_interest_change_at,
        loaded_at
    from {{ ref('instantly__leads') }}
),

-- The latest status is that of the lead; what an earlier build saw stays, also where the lead is gone.
marks as (
    select workspace_id, lead_id, lead_email, campaign_id, interest_status_code, last_interest_change_at, loaded_at
    from leads
    where last_interest_change_at is not null
    union all
    select
        history.workspace_id,
        history.lead_id,
        leads.lead_email,
        history.campaign_id,
        history.interest_status_code,
        history.last_interest_change_at,
        history.loaded_at
    from {{ ref('instantly_lead_interest') }} as history
    left join leads on leads.workspace_id = history.workspace_id and leads.lead_id = history.lead_id
    where leads.last_interest_change_at is null or leads.last_interest_change_at <> history.last_interest_change_at
),

-- Events of each channel and their times. Leads have only the last event of a kind.
sightings as (
    {%- for event_type, is_there, at in kinds %}
    select
        workspace_id,
        'leads' as channel,
        lead_id as place_in_channel,
        lead_id,
        lead_email,
        campaign_id,
        '{{ event_type }}' as event_type,
        {{ at }} as noticed_at,
        {{ at }} as occurred_at,
        {{ 'sender_email' if event_type == 'sent' else no_text }} as sender_email,
        cast(null as bigint) as step_number,
        cast(null as bigint) as variant_number,
        cast(null as boolean) as is_automatic,
        cast(null as boolean) as is_by_hand,
        cast(null as bigint) as interest_status_code,
        {{ no_text }} as label,
        {{ no_text }} as email_id,
        {{ no_text }} as thread_id,
        loaded_at
    from leads
    where {{ is_there }}
    union all
    {%- endfor %}
    select
        workspace_id, 'leads', lead_id, lead_id, lead_email, campaign_id,
        case when interest_status_code in (2, 3) then 'meeting' else 'interest' end,
        last_interest_change_at, last_interest_change_at, null, null, null, null, null, interest_status_code, null, null, null, loaded_at
    from marks
    union all
    select
        workspace_id, 'emails', email_id, lead_id, lead_email, campaign_id,
        case when is_received then 'replied' else 'sent' end,
        noticed_at, occurred_at, sender_email, step_number, variant_number, is_automatic, is_by_hand, null, null, email_id, thread_id, loaded_at
    from {{ ref('int_instantly__email_sightings') }}
    where lead_id is not null or lead_email is not null
    union all
    -- Each subscription is a channel of its own, since all of them receive an event.
    select
        hooks.workspace_id, 'webhook ' || coalesce(hooks.webhook_url, ''), hooks.delivery_id, coalesce(emails.lead_id, hooks.lead_id),
        hooks.lead_email, hooks.campaign_id, hooks.event_type, coalesce(emails.noticed_at, hooks.occurred_at), hooks.occurred_at,
        hooks.sender_email, hooks.step_number, hooks.variant_number, hooks.is_automatic, null, hooks.interest_status_code, hooks.label,
        emails.email_id, null, hooks.loaded_at
    from {{ ref('int_instantly__webhook_sightings') }} as hooks
    -- The payload has the email that was sent or received, or of an open the one that was opened.
    left join {{ ref('int_instantly__email_sightings') }} as emails
        on emails.workspace_id = hooks.workspace_id
        and emails.email_id = hooks.email_id
        and hooks.event_type = case when emails.is_received then 'replied' else 'sent' end
),

identified as (
    select
        sightings.*,
        {{ instantly.lead_key('lead_id', 'lead_email', 'campaign_id') }} as lead_key,
        -- Another interest status is another event, however soon it follows.
        case when event_type in ('interest', 'meeting') then coalesce(cast(interest_status_code as {{ instantly.sql_type('text') }}), lower(label), 'none') else '' end as what
    from sightings
),

-- Events without a time count as the last one with a time, if there is one.
timed as (
    select
        *,
        coalesce(noticed_at, max(noticed_at) over (partition by workspace_id, lead_key, event_type, what)) as matched_at
    from identified
),

begun as (
    select
        *,
        case
            when matched_at <= {{ dbt.dateadd('minute', var('instantly__same_event_minutes'), 'lag(matched_at) over (' ~ in_time ~ ')') }} then 0
            else 1
        end as begins
    from timed
),

grouped as (
    select
        *,
        sum(begins) over (
            {{ in_time }}
            rows between unbounded preceding and current row
        ) as cluster_number
    from begun
),

-- Those of one channel are different events; the latest of each channel is the same one.
placed as (
    select
        *,
        row_number() over (
            partition by workspace_id, lead_key, event_type, what, cluster_number, channel order by matched_at desc, place_in_channel
        ) as place
    from grouped
),

events as (
    select
        workspace_id,
        lead_key,
        event_type,
        cluster_number,
        place,
        {%- for column in ['occurred_at', 'campaign_id', 'lead_email', 'sender_email', 'step_number', 'variant_number', 'email_id'] %}
        coalesce(
            max(case when channel = 'emails' then {{ column }} end),
            min(case when channel not in ('emails', 'leads') then {{ column }} end),
            max(case when channel = 'leads' then {{ column }} end)
        ) as {{ column }},
        {%- endfor %}
        max(lead_id) as lead_id,
        max(thread_id) as thread_id,
        max(interest_status_code) as interest_status_code,
        max(label) as label,
        {%- for column in ['is_automatic', 'is_by_hand'] %}
        coalesce(
            max(case when channel = 'emails' then case when {{ column }} then 1 else 0 end end),
            max(case when channel not in ('emails', 'leads') and {{ column }} is not null then case when {{ column }} then 1 else 0 end end)
        ) as {{ column }},
        {%- endfor %}
        max(case when channel = 'leads' then 1 else 0 end) as in_leads,
        max(case when channel = 'emails' then 1 else 0 end) as in_emails,
        max(case when channel not in ('emails', 'leads') then 1 else 0 end) as in_webhooks,
        max(loaded_at) as loaded_at
    from placed
    group by workspace_id, lead_key, event_type, what, cluster_number, place
),

numbered as (
    select
        *,
        row_number() over (
            partition by workspace_id, lead_key, event_type
            order by occurred_at, interest_status_code, label, email_id, cluster_number, place
        ) as event_number
    from events
),

labels as (
    {{ instantly.interest_labels() }}
)

select
    numbered.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    numbered.lead_key || ':' || numbered.event_type || ':' || cast(numbered.event_number as {{ instantly.sql_type('text') }}) as event_id,
    numbered.lead_id,
    numbered.lead_email,
    numbered.campaign_id,
    campaigns.campaign_name,
    numbered.event_type,
    cast(numbered.event_number as bigint) as event_number,
    numbered.occurred_at,
    numbered.sender_email,
    cast(numbered.step_number as bigint) as step_number,
    cast(numbered.variant_number as bigint) as variant_number,
    case when numbered.event_type = 'replied' then numbered.is_automatic = 1 end as is_automatic,
    case when numbered.event_type = 'sent' then numbered.is_by_hand = 1 end as is_by_hand,
    numbered.interest_status_code,
    coalesce(codes.label, labels.label, numbered.label) as interest_status,
    coalesce(codes.meaning, lower(labels.interest_status_label)) as interest,
    numbered.email_id,
    numbered.thread_id,
    numbered.in_leads = 1 as is_in_leads,
    numbered.in_emails = 1 as is_in_emails,
    numbered.in_webhooks = 1 as is_in_webhooks,
    numbered.loaded_at
from numbered
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = numbered.workspace_id
left join {{ ref('int_instantly__campaigns') }} as campaigns on campaigns.campaign_id = numbered.campaign_id
left join labels
    on labels.workspace_id = numbered.workspace_id and labels.interest_status = numbered.interest_status_code and labels.place = 1
left join {{ ref('instantly_codes') }} as codes
    on codes.stream = 'leads' and codes.field = 'lt_interest_status' and codes.code = numbered.interest_status_code
