{#- Custom variables make columns that the contract does not have. -#}
{%- if var('instantly__custom_variables') -%}{{ config(contract={'enforced': false}) }}{%- endif -%}
with labels as (
    {{ instantly.interest_labels() }}),

leads as (
    select
        leads.*,
        coalesce(
            {%- for sender in [instantly.json_text('leads.status_summary', ['lastStep', 'from']), 'leads.last_step_from', 'leads.last_contacted_from'] %}
            case when {{ sender }} like '%@%' then lower({{ sender }}) end{{ ',' if not loop.last }}
            {%- endfor %}
        ) as sender_email,
        coalesce(leads.interest_status, labels.label) as interest_text,
        coalesce(codes.meaning, lower(labels.interest_status_label)) as interest,
        leads.last_contact_at is not null as is_contacted,
        coalesce(leads.email_reply_count, 0) > 0 as is_replied
    from {{ ref('stg_instantly__leads') }} as leads
    left join labels
        on labels.workspace_id = leads.workspace_id and labels.interest_status = leads.interest_status_code and labels.place = 1
    left join {{ ref('instantly_codes') }} as codes
        on codes.stream = 'leads' and codes.field = 'lt_interest_status' and codes.code = leads.interest_status_code
),

staged as (
    select
        leads.*,
        case
            when interest_status_code = 4 then 7
            when interest_status_code in (2, 3) then 6
            when interest = 'positive' then 5
            when is_replied then 4
            when coalesce(email_open_count, 0) > 0 then 3
            when is_contacted then 2
            else 1
        end as stage_number
    from leads
)

select
    leads.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    leads.lead_id,
    leads.email,
    leads.first_name,
    leads.last_name,
    leads.company_name,
    leads.company_domain,
    leads.job_title,
    leads.campaign_id,
    campaigns.campaign_name,
    leads.list_id,
    lists.list_name,
    leads.subsequence_id,
    subsequences.subsequence_name,
    leads.status_code as lead_status_code,
    leads.status as lead_status,
    leads.interest_status_code,
    leads.interest_text as interest_status,
    leads.interest,
    leads.is_contacted,
    leads.is_replied,
    coalesce(leads.interest = 'positive', false) as is_positive,
    coalesce(leads.status_code = -1, false) as is_bounced,
    cast(leads.stage_number as bigint) as stage_number,
    case leads.stage_number
        {%- for stage in instantly.stages() %}
        when {{ loop.index }} then '{{ 'Not contacted' if loop.first else stage }}'
        {%- endfor %}
    end as stage,
    leads.verification_status_code,
    leads.verification_status,
    leads.esp_code as recipient_esp_code,
    leads.esp as recipient_esp,
    leads.esg as recipient_gateway,
    leads.sender_email,
    coalesce(accounts.provider, case when leads.sender_email is null then providers.provider end) as sender_provider,
    {%- for what, count, setting in (('opens', 'open', 'open'), ('clicks', 'click', 'link')) %}
    case
        when leads.email_{{ count }}_count > 0 then leads.email_{{ count }}_count
        when campaigns.{{ setting }}_tracking and not coalesce(cast(leads.last_contact_at as date) < campaigns.{{ what }}_from, false)
            then leads.email_{{ count }}_count
    end as {{ count }}_count,
    {%- endfor %}
    leads.email_reply_count as reply_count,
    leads.email_replied_step as replied_step_number,
    campaigns.opportunity_value,
    {%- for column, key in instantly.custom_variables().items() %}
    {{ instantly.json_scalar('leads.payload', key) }} as {{ column }},
    {%- endfor %}
    leads.last_contact_at as last_contacted_at,
    leads.last_open_at as last_opened_at,
    leads.last_click_at as last_clicked_at,
    leads.last_reply_at as last_replied_at,
    leads.last_interest_change_at,
    leads.created_at,
    leads.updated_at,
    leads.loaded_at
from staged as leads
left join {{ ref('int_instantly__campaigns') }} as campaigns on campaigns.campaign_id = leads.campaign_id
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = leads.workspace_id
left join {{ ref('stg_instantly__lead_lists') }} as lists on lists.list_id = leads.list_id
left join {{ ref('stg_instantly__subsequences') }} as subsequences on subsequences.subsequence_id = leads.subsequence_id
left join {{ ref('stg_instantly__accounts') }} as accounts
    on accounts.workspace_id = leads.workspace_id and accounts.email = leads.sender_email
left join {{ ref('int_instantly__campaign_providers') }} as providers on providers.campaign_id = leads.campaign_id
