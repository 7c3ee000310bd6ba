{%- set keys = {
    'campaign_analytics_daily': ('campaign_id', 'date'),
    'account_analytics_daily': ('email', 'date'),
    'account_warmup_daily': ('email', 'date'),
    'account_warmup': ('email', none),
    'campaign_analytics': ('campaign_id', none),
    'campaign_analytics_overview': ('campaign_id', none),
    'campaign_analytics_steps': ('campaign_id', none),
} -%}
with odd as (
    {%- for stream, (subject, date) in keys.items() %}
    select
        workspace_id,
        '{{ stream }}' as stream,
        {{ subject }} as subject,
        {{ subject if subject == 'campaign_id' else 'cast(null as ' ~ instantly.sql_type('text') ~ ')' }} as campaign_id,
        {{ date or 'cast(null as date)' }} as date,
        {{ "'step ' || step || ', variant ' || variant" if stream == 'campaign_analytics_steps' else "cast('' as " ~ instantly.sql_type('text') ~ ")" }} as part,
        odd_because as reason,
        loaded_at
    from {{ instantly.judged(stream) }} as judged
    where odd_because is not null
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    odd.workspace_id,
    workspaces.workspace_name,
    workspaces.source_relation,
    cast(odd.stream as {{ instantly.sql_type('text') }}) as stream,
    cast(coalesce(odd.subject, 'unknown') || case when odd.part <> '' then ', ' || odd.part else '' end || coalesce(', ' || cast(odd.date as {{ instantly.sql_type('text') }}), '') as {{ instantly.sql_type('text') }}) as row_key,
    coalesce(campaigns.campaign_name, odd.subject) as subject,
    odd.date,
    cast(odd.reason as {{ instantly.sql_type('text') }}) as reason,
    odd.loaded_at
from odd
left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = odd.workspace_id
left join {{ ref('int_instantly__campaigns') }} as campaigns on campaigns.campaign_id = odd.campaign_id
