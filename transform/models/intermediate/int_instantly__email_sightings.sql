-- Emails that were sent or received: 1 by a campaign, 2 from outside, 3 by hand. Scheduled ones (4) have not happened.
with emails as (
    select
        *,
        lead as lead_email,
        {{ instantly.plausible('email_at', 'created_at') }} as occurred_at
    from {{ ref('int_instantly__emails') }}
    where ue_type_code in (1, 2, 3)
),

-- Most e-mails name their lead.
nameless as (
    select lead_email
    from emails
    where lead_id is null
),

{{ instantly.leads_of('nameless') }}

select
    emails.workspace_id,
    emails.email_id,
    -- An e-mail without a thread is a thread of its own.
    coalesce(emails.thread_id, emails.email_id) as thread_id,
    coalesce(emails.lead_id, of_campaign.lead_id, of_address.lead_id) as lead_id,
    emails.lead_email,
    emails.campaign_id,
    emails.occurred_at,
    coalesce(emails.created_at, emails.occurred_at) as noticed_at,
    emails.ue_type_code = 2 as is_received,
    emails.ue_type_code = 3 as is_by_hand,
    case when emails.ue_type_code = 2 then coalesce(emails.is_auto_reply = 1, false) end as is_automatic,
    emails.from_address_email as from_email,
    emails.eaccount as sender_email,
    -- Sequence, step and variant, each from 0, of an email that a campaign sent.
    case when emails.ue_type_code = 1 then {{ instantly.whole_number(dbt.split_part('emails.step', "'_'", 2)) }} + 1 end as step_number,
    case when emails.ue_type_code = 1 then {{ instantly.whole_number(dbt.split_part('emails.step', "'_'", 3)) }} end as variant_number,
    emails.subject,
    emails.loaded_at
from emails
{{ instantly.join_leads('emails') }}
