-- The provider of a campaign's senders, of the campaigns whose senders have but one.
with senders as (
    select
        campaigns.workspace_id,
        campaigns.campaign_id,
        lower({{ instantly.text_of('sender') }}) as email
    from {{ ref('stg_instantly__campaigns') }} as campaigns, {{ instantly.each_text('campaigns.email_list', 'sender') }}
)

select
    senders.campaign_id,
    min(accounts.provider) as provider
from senders
left join {{ ref('stg_instantly__accounts') }} as accounts
    on accounts.workspace_id = senders.workspace_id and accounts.email = senders.email
group by senders.campaign_id
-- A sender without a known provider could have another one.
having min(accounts.provider) = max(accounts.provider) and count(accounts.provider) = count(*)
