with emails as (
    select
        *,
        is_received and not is_automatic as is_reply
    from {{ ref('int_instantly__email_sightings') }}
),

threads as (
    select
        workspace_id,
        thread_id,
        max(lead_id) as lead_id,
        max(lead_email) as lead_email,
        max(campaign_id) as campaign_id,
        count(*) as emails_count,
        sum(case when not is_received then 1 else 0 end) as sent_count,
        sum(case when is_by_hand then 1 else 0 end) as sent_by_hand_count,
        sum(case when is_reply then 1 else 0 end) as reply_count,
        sum(case when is_automatic then 1 else 0 end) as automatic_reply_count,
        min(case when not is_received then occurred_at end) as first_sent_at,
        max(case when not is_received then occurred_at end) as last_sent_at,
        min(case when is_reply then occurred_at end) as first_replied_at,
        max(case when is_reply then occurred_at end) as last_replied_at,
        max(case when is_by_hand then occurred_at end) as last_answered_at,
        max(occurred_at) as last_email_at,
        max(loaded_at) as loaded_at
    from emails
    group by workspace_id, thread_id
    having max(case when is_received then 1 else 0 end) = 1
),

first_replies as (
    select
        *,
        row_number() over (partition by workspace_id, thread_id order by occurred_at, email_id) as reply_number
    from emails
    where is_reply
),

-- E-mails before the first reply, after it, and since the last answer.
around as (
    select
        emails.workspace_id,
        emails.thread_id,
        max(case when not emails.is_received and emails.occurred_at <= threads.first_replied_at then emails.occurred_at end) as replied_to_at,
        min(case when emails.is_by_hand and emails.occurred_at >= threads.first_replied_at then emails.occurred_at end) as first_answered_at,
        min(
            case
                when emails.is_reply and (threads.last_answered_at is null or emails.occurred_at > threads.last_answered_at)
                    then emails.occurred_at
            end
        ) as waiting_since
    from emails
    inner join threads on threads.workspace_id = emails.workspace_id and threads.thread_id = emails.thread_id
    group by emails.workspace_id, emails.thread_id
),

loads as (
    select workspace_id, max(loaded_at) as loaded_at
    from emails
    group by workspace_id
)

select
    threads.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    threads.thread_id,
    threads.lead_id,
    threads.lead_email,
    threads.campaign_id,
    campaigns.campaign_name,
    leads.interest_status_code,
    leads.interest_status,
    leads.interest,
    first_replies.sender_email,
    first_replies.subject,
    cast(threads.emails_count as bigint) as emails_count,
    cast(threads.sent_count as bigint) as sent_count,
    cast(threads.sent_by_hand_count as bigint) as sent_by_hand_count,
    cast(threads.reply_count as bigint) as reply_count,
    cast(threads.automatic_reply_count as bigint) as automatic_reply_count,
    threads.first_sent_at,
    threads.last_sent_at,
    threads.first_replied_at,
    first_replies.from_email as first_replied_by,
    first_replies.from_email = threads.lead_email as is_replied_by_lead,
    {{ instantly.hours_between('around.replied_to_at', 'threads.first_replied_at') }} as hours_to_reply,
    around.first_answered_at,
    {{ instantly.hours_between('threads.first_replied_at', 'around.first_answered_at') }} as hours_to_answer,
    threads.last_replied_at,
    around.waiting_since is not null as is_waiting,
    around.waiting_since,
    {{ instantly.hours_between('around.waiting_since', 'loads.loaded_at') }} as hours_waiting,
    threads.loaded_at
from threads
inner join around on around.workspace_id = threads.workspace_id and around.thread_id = threads.thread_id
inner join loads on loads.workspace_id = threads.workspace_id
left join first_replies
    on first_replies.workspace_id = threads.workspace_id and first_replies.thread_id = threads.thread_id and first_replies.reply_number = 1
left join {{ ref('instantly__leads') }} as leads on leads.workspace_id = threads.workspace_id and leads.lead_id = threads.lead_id
left join {{ ref('int_instantly__campaigns') }} as campaigns on campaigns.campaign_id = threads.campaign_id
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = threads.workspace_id
