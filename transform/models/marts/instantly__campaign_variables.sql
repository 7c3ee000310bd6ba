{%- set variables = instantly.custom_variables() -%}
with counts as (
    {%- for column, key in (variables or {'cast(null as ' ~ instantly.sql_type('text') ~ ')': ''}).items() %}
    select
        workspace_id,
        workspace_name,
        source_relation,
        campaign_id,
        campaign_name,
        nullif(trim({{ column }}), '') as value,
        {{ instantly.literal(key) }} as variable,
        count(*) as leads_count,
        sum(case when is_contacted then 1 else 0 end) as contacted_count,
        {%- for name in ('replied', 'positive', 'bounced') %}
        sum(case when is_contacted and is_{{ name }} then 1 else 0 end) as {{ name }}_count,
        {%- endfor %}
        sum(case when is_contacted and stage_number >= 6 then 1 else 0 end) as meeting_booked_count
    from {{ ref('instantly__leads') }}
    where campaign_id is not null{{ ' and 1 = 0' if not variables }}
    group by 1, 2, 3, 4, 5, 6
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    workspace_id,
    workspace_name,
    source_relation,
    campaign_id,
    campaign_name,
    cast(variable as {{ instantly.sql_type('text') }}) as variable,
    cast(value as {{ instantly.sql_type('text') }}) as value,
    {%- for count in ('leads', 'contacted', 'replied', 'positive', 'meeting_booked', 'bounced') %}
    cast({{ count }}_count as bigint) as {{ count }}_count,
    {%- endfor %}
    {{ instantly.ratio('replied_count', 'contacted_count') }} as reply_rate_per_contacted,
    {{ instantly.ratio('positive_count', 'contacted_count') }} as positive_rate_per_contacted,
    {{ instantly.ratio('bounced_count', 'contacted_count') }} as bounce_rate_per_contacted
from counts
