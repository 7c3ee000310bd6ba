{%- set dated = ['campaign_analytics_daily', 'account_analytics_daily'] -%}
{%- set streams = {'campaigns': dated[0], 'accounts': dated[1], 'steps': 'campaign_analytics_steps', 'leads': 'leads'} -%}
{%- set named = ['workspaces', 'campaigns', 'campaign_analytics', 'accounts', 'leads', 'campaign_analytics_daily', 'account_analytics_daily'] -%}
with names as (
    {%- for stream in named %}
    select workspace_id, workspace_name, source_relation, max(loaded_at) as loaded_at
    from {{ ref('stg_instantly__' ~ stream) }}
    group by workspace_id, workspace_name, source_relation
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        workspace_id,
        workspace_name,
        source_relation,
        min(source_relation) over (partition by workspace_id) <> max(source_relation) over (partition by workspace_id) as is_in_several_schemas,
        row_number() over (
            partition by workspace_id
            order by
                case when workspace_name is null then 1 else 0 end,
                case when loaded_at is null then 1 else 0 end,
                loaded_at desc,
                workspace_name,
                source_relation
        ) as place
    from names
),

figures as (
    select
        workspace_id,
        {%- for name, stream in streams.items() %}
        min(case when stream = '{{ stream }}' then first_date end) as {{ name }}_from,
        max(case when stream = '{{ stream }}' then complete_until end) as {{ name }}_loaded_until,
        max(case when stream = '{{ stream }}' then rows_count end) as {{ name }}_count,
        {%- endfor %}
        min(case when stream in ('{{ dated | join("', '") }}') then first_date end) as first_date,
        max(case when stream in ('{{ dated | join("', '") }}') then latest_date end) as last_date
    from {{ ref('int_instantly__loads') }}
    group by workspace_id
),

-- Without load times, streams without days count as loaded with the figures.
known as (
    select
        workspace_id,
        first_date,
        {%- for name, stream in streams.items() %}
        {{ name }}_from,
        coalesce({{ name }}_loaded_until, case when {{ name }}_count > 0 then last_date end) as {{ name }}_until,
        {%- endfor %}
        last_date
    from figures
),

-- The API gives no rows for days without sends: what was loaded after a day has all of it, also where there is nothing.
loaded as (
    select
        *,
        {{ instantly.earlier('campaigns_until', 'accounts_until') }} as loaded_until,
        {{ instantly.later(instantly.later('campaigns_until', 'accounts_until'), 'last_date') }} as calendar_until
    from known
)

select
    ranked.workspace_id,
    ranked.workspace_name,
    ranked.source_relation,
    coalesce(ranked.is_in_several_schemas, false) as is_in_several_schemas,
    loaded.first_date,
    loaded.last_date,
    loaded.campaigns_from,
    loaded.campaigns_until,
    loaded.accounts_from,
    loaded.accounts_until,
    loaded.steps_until,
    loaded.leads_until,
    loaded.loaded_until,
    loaded.calendar_until,
    {%- if var('instantly__as_of_date') %}
    cast('{{ var('instantly__as_of_date') }}' as date) as as_of_date,
    cast('{{ var('instantly__as_of_date') }}' as date) as accounts_as_of_date
    {%- else %}
    loaded.loaded_until as as_of_date,
    loaded.accounts_until as accounts_as_of_date
    {%- endif %}
from ranked
left join loaded on loaded.workspace_id = ranked.workspace_id
where ranked.place = 1
