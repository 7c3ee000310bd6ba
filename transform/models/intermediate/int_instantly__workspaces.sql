{%- set named = ['workspaces', 'campaigns', 'campaign_analytics', 'accounts', 'leads', 'campaign_analytics_daily', 'account_analytics_daily'] -%}
with names as (
    {%- for stream in named %}
    select workspace_id, workspace_name, max(loaded_at) as loaded_at
    from {{ ref('stg_instantly__' ~ stream) }}
    group by workspace_id, workspace_name
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        workspace_id,
        workspace_name,
        row_number() over (
            partition by workspace_id
            order by
                case when workspace_name is null then 1 else 0 end,
                case when loaded_at is null then 1 else 0 end,
                loaded_at desc,
                workspace_name
        ) as place
    from names
),

days as (
    select workspace_id, date, loaded_at from {{ ref('stg_instantly__campaign_analytics_daily') }}
    union all
    select workspace_id, date, loaded_at from {{ ref('stg_instantly__account_analytics_daily') }}
),

figures as (
    select
        workspace_id,
        min(date) as first_date,
        max(date) as last_date,
        cast(max(loaded_at) as date) as loaded_on
    from days
    group by workspace_id
)

select
    ranked.workspace_id,
    ranked.workspace_name,
    figures.first_date,
    figures.last_date,
    {%- if var('instantly__as_of_date') %}
    cast('{{ var('instantly__as_of_date') }}' as date) as as_of_date
    {%- else %}
    -- The day of the load was not over, and neither was any later one.
    case
        when figures.loaded_on is null then figures.last_date
        else least(figures.last_date, {{ instantly.days_after('figures.loaded_on', -1) }})
    end as as_of_date
    {%- endif %}
from ranked
left join figures on figures.workspace_id = ranked.workspace_id
where ranked.place = 1
