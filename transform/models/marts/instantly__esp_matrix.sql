with counts as (
    select
        workspace_id,
        workspace_name,
        source_relation,
        coalesce(sender_provider, 'Unknown') as sender_provider,
        coalesce(recipient_esp, 'Unknown') as recipient_esp,
        count(*) as contacted_count,
        {%- for name in ('replied', 'positive', 'bounced') %}
        cast(sum(case when is_{{ name }} then 1 else 0 end) as bigint) as {{ name }}_count{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('instantly__leads') }}
    where is_contacted
    group by 1, 2, 3, 4, 5
)

select
    workspace_id,
    workspace_name,
    source_relation,
    cast(sender_provider as {{ instantly.sql_type('text') }}) as sender_provider,
    cast(recipient_esp as {{ instantly.sql_type('text') }}) as recipient_esp,
    cast(contacted_count as bigint) as contacted_count,
    replied_count,
    positive_count,
    bounced_count,
    {{ instantly.ratio('replied_count', 'contacted_count') }} as reply_rate_per_contacted,
    {{ instantly.ratio('positive_count', 'contacted_count') }} as positive_rate_per_contacted,
    {{ instantly.ratio('bounced_count', 'contacted_count') }} as bounce_rate_per_contacted
from counts
