{#- Columns of a stream that is not selected by default: those of its staging model if it is on, and none of their rows else. -#}
{% macro if_staged(stream, columns) -%}
{%- set on = stream in var('instantly__streams_on') -%}
select
    {%- for name, type in columns.items() %}
    {{ name if on else 'cast(null as ' ~ instantly.sql_type(type) ~ ') as ' ~ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('stg_instantly__' ~ stream) if on else '(select 1 as nothing) as nothing where 1 = 0' }}
{%- endmacro %}

{#- A time that somebody else's clock has made; where it cannot be, when it was noted. -#}
{% macro plausible(time, noted_at) -%}
    case
        when {{ time }} between cast('{{ var('instantly__first_day') }}' as {{ instantly.sql_type('timestamp') }}) and coalesce({{ noted_at }}, {{ time }}) then {{ time }}
        else {{ noted_at }}
    end
{%- endmacro %}

{#- Common table expressions that find the leads of a relation with workspace_id, lead_email and campaign_id: an address can be
    a lead of several campaigns. -#}
{% macro leads_of(relation) -%}
addressed as (
    select
        workspace_id,
        email,
        campaign_id,
        lead_id
    from {{ ref('instantly__leads') }}
    where email in (select lead_email from {{ relation }})
),

of_campaign as (
    select workspace_id, email, campaign_id, min(lead_id) as lead_id
    from addressed
    where campaign_id is not null
    group by workspace_id, email, campaign_id
),

of_address as (
    select workspace_id, email, min(lead_id) as lead_id
    from addressed
    group by workspace_id, email
    having count(*) = 1
)
{%- endmacro %}

{#- Joins to these. -#}
{% macro join_leads(relation) -%}
left join of_campaign
    on of_campaign.workspace_id = {{ relation }}.workspace_id
    and of_campaign.email = {{ relation }}.lead_email
    and of_campaign.campaign_id = {{ relation }}.campaign_id
left join of_address
    on of_address.workspace_id = {{ relation }}.workspace_id and of_address.email = {{ relation }}.lead_email
{%- endmacro %}

{#- Identity of a lead: its id, or its address and campaign if the lead is unknown. -#}
{% macro lead_key(lead_id, lead_email, campaign_id) -%}
    coalesce({{ lead_id }}, {{ lead_email }} || coalesce(' ' || {{ campaign_id }}, ''))
{%- endmacro %}

{#- Events of webhooks as the payload names them: the type of event and, of one that marks a lead, the interest status. Types
    that are missing here are labels of the customer's own. -#}
{% macro webhook_events() -%}
    {{ return({
        'email_sent': ('sent', none),
        'email_opened': ('opened', none),
        'link_clicked': ('clicked', none),
        'email_link_clicked': ('clicked', none),
        'reply_received': ('replied', none),
        'auto_reply_received': ('replied', none),
        'email_bounced': ('bounced', none),
        'lead_unsubscribed': ('unsubscribed', none),
        'lead_neutral': ('interest', none),
        'lead_interested': ('interest', 1),
        'lead_meeting_booked': ('meeting', 2),
        'lead_meeting_completed': ('meeting', 3),
        'lead_closed': ('interest', 4),
        'lead_out_of_office': ('interest', 0),
        'lead_not_interested': ('interest', -1),
        'lead_wrong_person': ('interest', -2),
        'lead_no_show': ('interest', -4),
    }) }}
{%- endmacro %}

{#- Events of webhooks that are of no lead. -#}
{% macro webhook_events_of_no_lead() %}{{ return(['campaign_completed', 'account_error', 'supersearch_enrichment_completed']) }}{% endmacro %}

{#- True if a text is a hash that the tap wrote instead of the original. -#}
{% macro is_hash(text) -%}
    (length({{ text }}) = 32 and translate({{ text }}, '0123456789abcdef', '') = '')
{%- endmacro %}

{#- Hours from one time to another. -#}
{% macro hours_between(start, end) -%}
    cast({{ dbt.datediff(start, end, 'second') }} as {{ instantly.sql_type('double precision') }}) / 3600
{%- endmacro %}
