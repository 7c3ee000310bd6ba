{%- set off = var('instantly__streams_off') -%}
{#- Name, what is compared, relation, left and right figure, the streams without which there is nothing to compare, and
    whether the left one lacks what was before the start_date of the tap. -#}
{%- set checks = [
    ('sent_daily_vs_lifetime', 'Emails sent: sum over days and since the beginning', 'equal', 'days.sent', 'campaigns.emails_sent_count', 'campaign_analytics_daily', true),
    ('sent_steps_vs_lifetime', 'Emails sent: sum over steps and since the beginning', 'equal', 'steps.sent', 'campaigns.emails_sent_count', 'campaign_analytics_steps', false),
    ('replied_daily_vs_lifetime', 'Leads that replied: sum over days, which counts some twice, and since the beginning', 'at_least', 'days.replied', 'campaigns.reply_count_unique', 'campaign_analytics_daily', true),
    ('positive_daily_vs_lifetime', 'Positive leads: sum over days, which counts some twice, and since the beginning', 'at_least', 'days.positive', 'campaigns.positive_count', 'campaign_analytics_daily', true),
    ('leads_listed_vs_counted', 'Leads: those that were loaded, also if deleted since, and those that the figures count', 'at_least', 'leads.leads', 'campaigns.leads_count', 'leads', true),
] | rejectattr(5, 'in', off) | list -%}
{#- Figures that accounts and campaigns both count. -#}
{%- set together = [('sent', ['account_analytics_daily', 'campaign_analytics_daily']), ('bounced', ['account_analytics_daily'])] -%}
{%- set tolerance = var('instantly__tolerance') -%}
with days as (
    select
        campaign_id,
        {{ instantly.full_total('sent_count') }} as sent,
        {{ instantly.full_total('leads_replied_that_day') }} as replied,
        {{ instantly.full_total('leads_positive_that_day') }} as positive
    from {{ ref('instantly__campaign_daily') }}
    group by campaign_id
),

steps as (
    select
        campaign_id,
        {{ instantly.full_total('sent_count') }} as sent
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

lifetimes as (
    select
        workspace_id,
        workspace_name,
        source_relation,
        {{ instantly.full_total('emails_sent_count') }} as sent,
        {{ instantly.full_total('bounced_count') }} as bounced
    from {{ ref('instantly__campaigns') }}
    where has_analytics
    group by workspace_id, workspace_name, source_relation
),

first_loads as (
    select
        workspace_id,
        cast(min(loaded_at) as date) as loaded_on
    from (
        select workspace_id, loaded_at from {{ ref('instantly__campaign_daily') }}
        union all
        select workspace_id, loaded_at from {{ ref('instantly__account_daily') }}
    ) as loads
    group by workspace_id
),

{%- for name, mart in (('campaign_sums', 'instantly__campaign_daily'), ('account_sums', 'instantly__account_daily')) %}

{{ name }} as (
    select
        days.workspace_id,
        {{ instantly.full_total('days.sent_count') }} as sent,
        {{ instantly.full_total('days.bounced_count') }} as bounced,
        {{ instantly.total(
            'case when days.date > first_loads.loaded_on and days.date <= workspaces.as_of_date then days.sent_count end'
        ) }} as sent_since
    from {{ ref(mart) }} as days
    left join first_loads on first_loads.workspace_id = days.workspace_id
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = days.workspace_id
    {%- if name == 'account_sums' %}
    where days.has_campaign_figures
    {%- endif %}
    group by days.workspace_id
),
{%- endfor %}

pairs as (
    {%- for name, text, relation, left, right, _, shortened in checks %}
    {%- set source = left.split('.')[0] %}
    {#- No rows mean 0 if the stream was loaded. #}
    {%- set loaded = 'workspaces.' ~ ('campaigns' if source == 'days' else source) ~ '_until' %}
    {%- set value = instantly.or_nothing(source ~ '.campaign_id', left, loaded) %}
    select
        campaigns.workspace_id,
        campaigns.workspace_name,
        campaigns.source_relation,
        campaigns.campaign_id,
        campaigns.campaign_name,
        '{{ name }}' as check_name,
        '{{ text }}' as check_description,
        '{{ relation }}' as relation,
        {{ value }} as left_value,
        {{ right }} as right_value,
        {%- if shortened %}
        case
            when
                {{ value }} < {{ right }}
                and not coalesce(cast(campaigns.created_at as date) >= workspaces.first_date, false)
                then 'what was loaded may begin after the campaign did'
        end as excuse
        {%- else %}
        cast(null as {{ instantly.sql_type('text') }}) as excuse
        {%- endif %}
    from {{ ref('instantly__campaigns') }} as campaigns
    left join {{ source }} on {{ source }}.campaign_id = campaigns.campaign_id
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = campaigns.workspace_id
    where campaigns.has_analytics and not campaigns.is_deleted
    union all
    {%- endfor %}
    {%- for name, streams in together %}
    select
        lifetimes.workspace_id,
        lifetimes.workspace_name,
        lifetimes.source_relation,
        'all' as campaign_id,
        cast(null as {{ instantly.sql_type('text') }}) as campaign_name,
        '{{ name }}_accounts_vs_campaigns' as check_name,
        {%- if name == 'sent' %}
        'Emails sent: sum over accounts and days, and sum over campaigns and days' as check_description,
        'equal' as relation,
        {{ instantly.or_nothing('account_sums.workspace_id', 'account_sums.sent', 'workspaces.accounts_until') }} as left_value,
        {{ instantly.or_nothing('campaign_sums.workspace_id', 'campaign_sums.sent', 'workspaces.campaigns_until') }} as right_value,
        case
            when
                abs(coalesce(account_sums.sent_since, 0) - coalesce(campaign_sums.sent_since, 0))
                <= {{ tolerance }} * coalesce(campaign_sums.sent_since, 0)
                then 'what was deleted before the first load may be in one of them alone'
        end as excuse
        {%- else %}
        'Emails bounced: sum over accounts and days, and sum over campaigns' as check_description,
        'equal' as relation,
        {{ instantly.or_nothing('account_sums.workspace_id', 'account_sums.bounced', 'workspaces.accounts_until') }} as left_value,
        lifetimes.bounced as right_value,
        case
            when abs({{ instantly.or_nothing('account_sums.workspace_id', 'account_sums.sent', 'workspaces.accounts_until') }} - lifetimes.sent) > {{ tolerance }} * lifetimes.sent
                then 'they are not of the same emails, as the numbers sent show'
        end as excuse
        {%- endif %}
    from lifetimes
    left join account_sums on account_sums.workspace_id = lifetimes.workspace_id
    left join campaign_sums on campaign_sums.workspace_id = lifetimes.workspace_id
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = lifetimes.workspace_id
    where {{ '1 = 0' if streams | select('in', off) | list else '1 = 1' }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        *,
        case relation
            when 'equal' then abs(left_value - right_value) <= {{ tolerance }} * right_value
            else left_value - right_value >= -{{ tolerance }} * right_value
        end as agrees
    from pairs
)

select
    workspace_id,
    workspace_name,
    source_relation,
    cast(campaign_id as {{ instantly.sql_type('text') }}) as campaign_id,
    campaign_name,
    cast(check_name as {{ instantly.sql_type('text') }}) as check_name,
    cast(check_description as {{ instantly.sql_type('text') }}) as check_description,
    cast(relation as {{ instantly.sql_type('text') }}) as relation,
    cast(left_value as bigint) as left_value,
    cast(right_value as bigint) as right_value,
    cast(left_value - right_value as bigint) as difference,
    {{ instantly.ratio('left_value - right_value', 'right_value') }} as difference_per_right,
    cast({{ tolerance }} as {{ instantly.sql_type('double precision') }}) as tolerance,
    case when agrees or excuse is null then agrees end as is_ok,
    cast(
        case
            when agrees is null then 'a figure is missing'
            when not agrees then excuse
        end as {{ instantly.sql_type('text') }}
    ) as not_compared_because
from judged
