{#- Each relabel of a lead overwrites the last one in the API, and so in the table of leads: this is the only history. -#}
{% snapshot instantly_lead_interest %}
{{ config(
    schema='history',
    unique_key=['workspace_id', 'lead_id'],
    strategy='timestamp',
    updated_at='last_interest_change_at',
) }}
select workspace_id, lead_id, campaign_id, interest_status_code, last_interest_change_at, loaded_at
from {{ ref('stg_instantly__leads') }}
where last_interest_change_at is not null
{% endsnapshot %}
