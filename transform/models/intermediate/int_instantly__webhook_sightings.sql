-- Deliveries are a table: of their query Postgres expects one row, and then compares each with all leads that have some.
with {{ instantly.leads_of(ref('int_instantly__webhook_deliveries')) }}

select
    deliveries.*,
    coalesce(of_campaign.lead_id, of_address.lead_id) as lead_id
from {{ ref('int_instantly__webhook_deliveries') }} as deliveries
{{ instantly.join_leads('deliveries') }}
