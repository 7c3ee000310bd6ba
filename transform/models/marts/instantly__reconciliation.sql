{%- set off = var('instantly__streams_off') -%}
{#- Name, what is compared, relation, left and right figure, and the streams without which there is nothing to compare. -#}
{%- set checks = [
    ('sent_daily_vs_lifetime', 'E-mails sent: sum over days and since the beginning', 'equal', 'days.sent', 'campaigns.emails_sent_count', 'campaign_analytics_daily'),
    ('sent_steps_vs_lifetime', 'E-mails sent: sum over steps and since the beginning', 'equal', 'steps.sent', 'campaigns.emails_sent_count', 'campaign_analytics_steps'),
    ('replied_daily_vs_lifetime', 'Leads that replied: sum over days, which counts some twice, and since the beginning', 'at_least', 'days.replied', 'campaigns.reply_count_unique', 'campaign_analytics_daily'),
    ('positive_daily_vs_lifetime', 'Positive leads: sum over days, which counts some twice, and since the beginning', 'at_least', 'days.positive', 'campaigns.positive_count', 'campaign_analytics_daily'),
    ('leads_listed_vs_counted', 'Leads: those that were loaded and those that the figures count', 'equal', 'leads.leads', 'campaigns.leads_count', 'leads'),
] | rejectattr(5, 'in', off) | list -%}
with days as (
    select
        campaign_id,
        {{ instantly.total('sent_count') }} as sent,
        {{ instantly.total('leads_replied_that_day') }} as replied,
        {{ instantly.total('leads_positive_that_day') }} as positive
    from {{ ref('instantly__campaign_daily') }}
    group by campaign_id
),

steps as (
    select
        campaign_id,
        {{ instantly.total('sent_count') }} as sent
    from {{ ref('instantly__step_variants') }}
    group by campaign_id
),

leads as (
    select
        campaign_id,
        cast(count(*) as bigint) as leads
    from {{ ref('instantly__leads') }}
    where campaign_id is not null
    group by campaign_id
),

workspaces as (
    select
        workspace_id,
        workspace_name,
        {{ instantly.total('emails_sent_count') }} as sent,
        {{ instantly.total('bounced_count') }} as bounced
    from {{ ref('instantly__campaigns') }}
    where has_analytics
    group by workspace_id, workspace_name
),

accounts as (
    select
        workspace_id,
        {{ instantly.total('sent_count') }} as sent,
        {{ instantly.total('bounced_count') }} as bounced
    from {{ ref('instantly__account_daily') }}
    group by workspace_id
),

pairs as (
    {%- for name, text, relation, left, right, _ in checks %}
    select
        campaigns.workspace_id,
        campaigns.workspace_name,
        campaigns.campaign_id,
        campaigns.campaign_name,
        '{{ name }}' as check_name,
        '{{ text }}' as check_description,
        '{{ relation }}' as relation,
        coalesce({{ left }}, 0) as left_value,
        {{ right }} as right_value
    from {{ ref('instantly__campaigns') }} as campaigns
    left join {{ left.split('.')[0] }} on {{ left.split('.')[0] }}.campaign_id = campaigns.campaign_id
    where campaigns.has_analytics and not campaigns.is_deleted
    union all
    {%- endfor %}
    {%- for name in ('sent', 'bounced') %}
    select
        workspaces.workspace_id,
        workspaces.workspace_name,
        'all' as campaign_id,
        cast(null as text) as campaign_name,
        '{{ name }}_accounts_vs_campaigns' as check_name,
        'E-mails {{ name }}: sum over accounts and days, and sum over campaigns' as check_description,
        'equal' as relation,
        coalesce(accounts.{{ name }}, 0) as left_value,
        workspaces.{{ name }} as right_value
    from workspaces
    left join accounts on accounts.workspace_id = workspaces.workspace_id
    where {{ '1 = 0' if 'account_analytics_daily' in off else '1 = 1' }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    workspace_id,
    workspace_name,
    cast(campaign_id as text) as campaign_id,
    campaign_name,
    cast(check_name as text) as check_name,
    cast(check_description as text) as check_description,
    cast(relation as text) as relation,
    cast(left_value as bigint) as left_value,
    cast(right_value as bigint) as right_value,
    cast(left_value - right_value as bigint) as difference,
    {{ instantly.ratio('left_value - right_value', 'right_value') }} as difference_per_right,
    cast({{ var('instantly__tolerance') }} as double precision) as tolerance,
    case relation
        when 'equal' then abs(left_value - right_value) <= {{ var('instantly__tolerance') }} * right_value
        else left_value - right_value >= -{{ var('instantly__tolerance') }} * right_value
    end as is_ok
from pairs
