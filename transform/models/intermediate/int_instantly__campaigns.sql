{#- Days within which somebody opens what is sent, and a link is clicked. -#}
{%- set slack = 7 -%}
with figures as (
    select
        *,
        max(loaded_at) over (partition by workspace_id) as last_loaded_at
    from {{ ref('stg_instantly__campaign_analytics') }}
),

sequences as (
    select
        campaign_id,
        max(loaded_at) as loaded_at,
        max(last_loaded_at) as last_loaded_at
    from (
        select campaign_id, loaded_at, max(loaded_at) over (partition by workspace_id) as last_loaded_at
        from {{ ref('stg_instantly__campaign_steps') }}
    ) as steps
    group by campaign_id
),

-- Counted opens prove tracking, whatever the setting of today.
seen as (
    select
        campaign_id,
        min(case when sent > 0 then date end) as sent_from,
        max(case when sent > 0 then date end) as sent_until,
        min(case when opened > 0 or unique_opened > 0 then date end) as opens_from,
        max(case when opened > 0 or unique_opened > 0 then date end) as opens_until,
        min(case when clicks > 0 or unique_clicks > 0 then date end) as clicks_from,
        max(case when clicks > 0 or unique_clicks > 0 then date end) as clicks_until
    from {{ instantly.usable('campaign_analytics_daily') }} as days
    group by campaign_id
)

select
    coalesce(campaigns.workspace_id, figures.workspace_id) as workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    coalesce(campaigns.campaign_id, figures.campaign_id) as campaign_id,
    -- The figures are read again in each run; a campaign only when it says that it changed.
    coalesce(figures.campaign_name, campaigns.campaign_name) as campaign_name,
    coalesce(figures.campaign_status_code, campaigns.status_code) as status_code,
    case when figures.campaign_status_code is not null then figures.campaign_status else campaigns.status end as status,
    coalesce(figures.campaign_is_evergreen, campaigns.is_evergreen) as is_evergreen,
    case
        when figures.campaign_id is not null
            then coalesce(figures.loaded_at < {{ instantly.last_load_from('figures.last_loaded_at') }}, false)
        -- So are the steps, of campaigns that never sent too. One that changed after its last steps may have lost them.
        when sequences.loaded_at >= {{ instantly.last_load_from('sequences.last_loaded_at') }} then false
        when sequences.loaded_at >= {{ instantly.last_load_from('campaigns.loaded_at') }} then true
    end as is_deleted,
    figures.campaign_id is not null as has_analytics,
    -- Counted opens prove tracking; without any, and without the campaign, it is unknown.
    coalesce(campaigns.open_tracking, case when figures.open_count_unique > 0 then true end) as open_tracking,
    coalesce(campaigns.link_tracking, case when figures.link_click_count_unique > 0 then true end) as link_tracking,
    {%- for what in ('opens', 'clicks') %}
    seen.{{ what }}_from,
    seen.{{ what }}_until,
    {%- set setting = 'campaigns.open_tracking' if what == 'opens' else 'campaigns.link_tracking' %}
    {%- set measured = 'figures.open_count_unique > 0' if what == 'opens' else 'figures.link_click_count_unique > 0' %}
    case
        when seen.{{ what }}_from is null then coalesce({{ setting }}, {{ measured }}, false)
        else
            coalesce(seen.sent_from >= {{ instantly.days_after('seen.' ~ what ~ '_from', -slack) }}, true)
            and (coalesce({{ setting }}, true) or coalesce(seen.sent_until <= {{ instantly.days_after('seen.' ~ what ~ '_until', slack) }}, true))
    end as {{ what }}_whole,
    {%- endfor %}
    campaigns.opportunity_value,
    campaigns.created_at
from {{ ref('stg_instantly__campaigns') }} as campaigns
full outer join figures on figures.campaign_id = campaigns.campaign_id
left join sequences on sequences.campaign_id = campaigns.campaign_id
left join seen on seen.campaign_id = coalesce(campaigns.campaign_id, figures.campaign_id)
left join {{ ref('int_instantly__workspaces') }} as workspaces
    on workspaces.workspace_id = coalesce(campaigns.workspace_id, figures.workspace_id)
