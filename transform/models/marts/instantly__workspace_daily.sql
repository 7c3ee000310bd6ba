{%- set of_campaigns = ['sent_count', 'new_leads_contacted_count', 'reply_count', 'automatic_reply_count', 'opportunity_count'] -%}
{#- Rates, as part and whole: of what tells both. -#}
{%- set rates = [
    ('positive_reply_rate', 'opportunity_count', 'sent_count', 'campaigns'),
    ('reply_rate', 'reply_count', 'sent_count', 'campaigns'),
    ('bounce_rate', 'bounced_count', 'sent_count', 'accounts'),
] -%}
with numbers as (
    {{ dbt.generate_series(4096) }}
),

-- Backwards, so that no early day can push the latest out.
calendar as (
    select
        workspaces.*,
        {{ instantly.days_after('workspaces.calendar_until', '1 - numbers.generated_number') }} as date
    from {{ ref('int_instantly__workspaces') }} as workspaces
    cross join numbers
    where {{ instantly.days_after('workspaces.calendar_until', '1 - numbers.generated_number') }} >= workspaces.first_date
),

{%- for source, mart, counts in [('campaigns', 'instantly__campaign_daily', of_campaigns), ('accounts', 'instantly__account_daily', ['sent_count', 'bounced_count'])] %}

{{ source }} as (
    select
        workspace_id,
        date,
        {%- for count in counts %}
        {{ instantly.total(count) }} as {{ count }},
        {%- endfor %}
        {%- for name, part, whole, _ in rates if _ == source %}
        {{ instantly.total(instantly.part_of(part, whole)) }} as {{ name }}_part,
        {{ instantly.total(instantly.part_of(whole, part)) }} as {{ name }}_whole{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(mart) }}
    {%- if source == 'accounts' %}
    where has_campaign_figures
    {%- endif %}
    group by workspace_id, date
),
{%- endfor %}

days as (
    select
        calendar.workspace_id,
        calendar.workspace_name,
        calendar.source_relation,
        calendar.date,
        calendar.date <= calendar.as_of_date as is_complete,
        {%- for count in of_campaigns %}
        {{ instantly.on_day('campaigns', count) }} as {{ count }},
        {%- endfor %}
        {{ instantly.on_day('accounts', 'bounced_count') }} as bounced_count,
        {{ instantly.on_day('accounts', 'sent_count') }} as account_sent_count,
        {%- for name, _, _, source in rates %}
        {{ instantly.on_day(source, name ~ '_part') }} as {{ name }}_part,
        {{ instantly.on_day(source, name ~ '_whole') }} as {{ name }}_whole{{ ',' if not loop.last }}
        {%- endfor %}
    from calendar
    left join campaigns on campaigns.workspace_id = calendar.workspace_id and campaigns.date = calendar.date
    left join accounts on accounts.workspace_id = calendar.workspace_id and accounts.date = calendar.date
),

weeks as (
    select
        *,
        {%- for name in ('positive_reply_rate', 'reply_rate') %}
        {%- for side in ('part', 'whole') %}
        sum({{ name }}_{{ side }}) over (
            partition by workspace_id order by date rows between 6 preceding and current row
        ) as {{ name }}_{{ side }}_7d,
        {%- endfor %}
        {%- endfor %}
        1 as nothing
    from days
)

select
    workspace_id,
    workspace_name,
    source_relation,
    date,
    is_complete,
    sent_count,
    new_leads_contacted_count,
    reply_count,
    automatic_reply_count,
    opportunity_count,
    bounced_count,
    account_sent_count,
    {{ instantly.ratio('positive_reply_rate_part', 'positive_reply_rate_whole') }} as positive_reply_rate_per_sent,
    {{ instantly.ratio('positive_reply_rate_part_7d', 'positive_reply_rate_whole_7d') }} as positive_reply_rate_per_sent_7d,
    {{ instantly.ratio('reply_rate_part', 'reply_rate_whole') }} as replies_per_sent,
    {{ instantly.ratio('reply_rate_part_7d', 'reply_rate_whole_7d') }} as replies_per_sent_7d,
    {{ instantly.ratio('bounce_rate_part', 'bounce_rate_whole') }} as bounce_rate_per_sent,
    positive_reply_rate_part as positive_reply_rate_part_count,
    positive_reply_rate_whole as positive_reply_rate_whole_count,
    reply_rate_part as replies_part_count,
    reply_rate_whole as replies_whole_count,
    bounce_rate_part as bounce_rate_part_count,
    bounce_rate_whole as bounce_rate_whole_count
from weeks
