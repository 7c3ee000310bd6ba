{%- set watch, burning = var('instantly__bounce_rate_watch'), var('instantly__bounce_rate_burning') -%}
{%- set enough = var('instantly__health_min_sends') -%}
{%- set reasons = [
    (1, 'account_status_code < 0', "'account: ' || coalesce(account_status, 'a problem')"),
    (1, 'warmup_status_code < 0', "'warm-up: ' || coalesce(warmup_status, 'a problem')"),
] -%}
{%- for days in (7, 30) -%}
    {%- set rate, sent = 'bounce_rate_per_sent_' ~ days ~ 'd', 'bounce_whole_' ~ days ~ 'd' -%}
    {%- for severity, limit, up_to in [(1, burning, none), (2, watch, burning)] -%}
        {%- set condition = sent ~ ' >= ' ~ enough ~ ' and ' ~ rate ~ ' > ' ~ limit ~ (' and ' ~ rate ~ ' <= ' ~ up_to if up_to else '') -%}
        {%- set text = instantly.percent_above(limit, 'bounce_part_' ~ days ~ 'd', sent) ~ " || '% bounced in " ~ days ~ " days'" -%}
        {%- do reasons.append((severity, condition, text)) -%}
    {%- endfor -%}
{%- endfor -%}
{#- Rounded so that what is below a threshold, or above it, is not written as the threshold. -#}
{%- set score = "'warm-up health ' || cast(cast(floor(warmup_health_score) as bigint) as " ~ instantly.sql_type('text') ~ ")" -%}
{%- set low, poor = var('instantly__warmup_health_burning'), var('instantly__warmup_health_watch') -%}
{%- set reasons = reasons + [
    (1, 'warmup_health_score < ' ~ low, score),
    (2, 'warmup_health_score >= ' ~ low ~ ' and warmup_health_score < ' ~ poor, score),
    (2, 'account_status_code = 3', "'account: ' || coalesce(account_status, 'a problem')"),
    (2, 'warmup_status_code = 0 and sent_count_30d > 0', "'sends while its warm-up is paused'"),
    (2, 'sent_per_day_7d > ' ~ var('instantly__sends_per_day_watch'),
        "cast(cast(ceil(sent_per_day_7d) as bigint) as " ~ instantly.sql_type('text') ~ ") || ' sends a day'"),
] -%}
{%- set windows = [('7d', 7, 0), ('prior_7d', 14, 7), ('30d', 30, 0)] -%}
{%- set loaded = {} -%}
{%- for name, days, before in windows -%}
    {%- set start = instantly.days_after('workspaces.accounts_as_of_date', 1 - days) -%}
    {%- set end = instantly.days_after('workspaces.accounts_as_of_date', -before) -%}
    {%- do loaded.update({name: instantly.reaches('workspaces.accounts_from', 'workspaces.accounts_until', start, end)}) -%}
{%- endfor -%}
{%- set counts = ['sent_count', 'bounced_count', 'reply_count'] -%}
with days as (
    select
        days.*,
        {%- for name, days, before in windows %}
        days.date > {{ instantly.days_after('workspaces.accounts_as_of_date', -days) }}
            and days.date <= {{ instantly.days_after('workspaces.accounts_as_of_date', -before) }} as in_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('instantly__account_daily') }} as days
    inner join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = days.workspace_id
    where days.has_campaign_figures
),

sums as (
    select
        workspace_id,
        email,
        max(case when sent_count > 0 then date end) as last_sent_date,
        {%- for name, _, _ in windows %}
        {%- for part, whole, rate in [('bounced_count', 'sent_count', 'bounce'), ('reply_count', 'sent_count', 'reply')] %}
        {{ instantly.total('case when in_' ~ name ~ ' then ' ~ instantly.part_of(part, whole) ~ ' end') }} as {{ rate }}_part_{{ name }},
        {{ instantly.total('case when in_' ~ name ~ ' then ' ~ instantly.part_of(whole, part) ~ ' end') }} as {{ rate }}_whole_{{ name }},
        {%- endfor %}
        {%- for count in counts %}
        {{ instantly.total('case when in_' ~ name ~ ' then ' ~ count ~ ' end') }} as {{ count }}_{{ name }},
        {%- endfor %}
        count(case when in_{{ name }} then 1 end) as days_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from days
    group by workspace_id, email
),

loads as (
    select
        workspace_id,
        {{ instantly.last_load_from('max(loaded_at)') }} as loaded_from
    from {{ ref('stg_instantly__accounts') }}
    group by workspace_id
),

last_loads as (
    select
        loads.workspace_id,
        loads.loaded_from,
        min(accounts.updated_at) as earliest_change
    from {{ ref('stg_instantly__accounts') }} as accounts
    inner join loads on loads.workspace_id = accounts.workspace_id and accounts.loaded_at >= loads.loaded_from
    group by loads.workspace_id, loads.loaded_from
),

warmups as (
    select
        *,
        loaded_at >= {{ instantly.last_load_from('max(loaded_at) over (partition by workspace_id)') }} as is_current
    from {{ instantly.usable('account_warmup') }} as warmup
),

accounts as (
    select
        accounts.workspace_id,
        workspaces.workspace_name,
        workspaces.source_relation,
        accounts.email,
        {{ instantly.domain_of('accounts.email') }} as domain,
        accounts.provider_code,
        accounts.provider,
        accounts.status_code as account_status_code,
        accounts.status as account_status,
        accounts.warmup_status_code,
        accounts.warmup_status,
        workspaces.accounts_as_of_date as as_of_date,
        accounts.daily_limit,
        sums.last_sent_date,
        {%- for name, _, _ in windows %}
        {%- for count in counts %}
        -- No row is nothing sent, where the days were loaded; a row without the figure is not.
        case
            when sums.days_{{ name }} > 0 then sums.{{ count }}_{{ name }}
            when {{ loaded[name] }} then 0
        end as {{ count }}_{{ name }},
        {%- endfor %}
        {%- for rate in ('bounce', 'reply') %}
        sums.{{ rate }}_part_{{ name }},
        sums.{{ rate }}_whole_{{ name }},
        {%- endfor %}
        {{ instantly.ratio('sums.bounce_part_' ~ name, 'sums.bounce_whole_' ~ name) }} as bounce_rate_per_sent_{{ name }},
        {{ instantly.ratio('sums.reply_part_' ~ name, 'sums.reply_whole_' ~ name) }} as replies_per_sent_{{ name }},
        {%- endfor %}
        {{ instantly.ratio('case when sums.days_7d > 0 then sums.sent_count_7d when ' ~ loaded['7d'] ~ ' then 0 end', '7') }} as sent_per_day_7d,
        accounts.stat_warmup_score as warmup_score,
        warmup.health_score as warmup_health_score,
        case when warmup.email is not null then coalesce(warmup.sent, 0) end as warmup_sent_count,
        case when warmup.email is not null then coalesce(warmup.landed_inbox, 0) end as warmup_inbox_count,
        case when warmup.email is not null then coalesce(warmup.landed_spam, 0) end as warmup_spam_count,
        -- The list is read whole each time, and what changed before the bookmark left out. The last load brought one that
        -- changed no later than this: so the bookmark was no later, and this would have come too.
        case
            when accounts.loaded_at >= last_loads.loaded_from or warmup.is_current then false
            when accounts.updated_at >= last_loads.earliest_change then true
        end as is_deleted,
        accounts.loaded_at
    from {{ ref('stg_instantly__accounts') }} as accounts
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = accounts.workspace_id
    left join last_loads on last_loads.workspace_id = accounts.workspace_id
    -- Rows of an earlier load are not of the last seven days: the account no longer warms up.
    left join warmups as warmup
        on warmup.workspace_id = accounts.workspace_id and warmup.email = accounts.email and coalesce(warmup.is_current, true)
    left join sums on sums.workspace_id = accounts.workspace_id and sums.email = accounts.email
),

reasons as (
    {%- for severity, condition, text in reasons %}
    select workspace_id, email, {{ severity }} as severity, {{ loop.index }} as place, {{ text }} as reason
    from accounts
    where {{ condition }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

verdicts as (
    select
        workspace_id,
        email,
        min(severity) as severity,
        {{ dbt.listagg('reason', "'; '", 'order by severity, place') }} as reason
    from reasons
    group by workspace_id, email
)

select
    accounts.workspace_id,
    accounts.workspace_name,
    accounts.source_relation,
    accounts.email,
    accounts.domain,
    accounts.provider_code,
    accounts.provider,
    accounts.account_status_code,
    accounts.account_status,
    accounts.warmup_status_code,
    accounts.warmup_status,
    accounts.is_deleted,
    case
        when verdicts.severity = 1 then 'burning'
        when verdicts.severity = 2 then 'watch'
        -- Nothing that speaks against it is not yet something that speaks for it.
        when accounts.warmup_health_score is not null or accounts.bounce_whole_30d >= {{ enough }} then 'green'
        else 'unknown'
    end as health,
    verdicts.reason as health_reason,
    cast(
        case
            when verdicts.severity is not null then verdicts.severity
            when accounts.warmup_health_score is not null or accounts.bounce_whole_30d >= {{ enough }} then 3
            else 4
        end as bigint
    ) as health_rank,
    accounts.as_of_date,
    accounts.daily_limit,
    accounts.last_sent_date,
    accounts.sent_count_7d,
    accounts.bounced_count_7d,
    accounts.bounce_rate_per_sent_7d,
    accounts.bounce_rate_per_sent_prior_7d,
    accounts.sent_count_30d,
    accounts.bounced_count_30d,
    accounts.reply_count_30d,
    accounts.bounce_rate_per_sent_30d,
    accounts.replies_per_sent_30d,
    accounts.sent_per_day_7d,
    accounts.warmup_score,
    accounts.warmup_health_score,
    accounts.warmup_sent_count,
    accounts.warmup_inbox_count,
    accounts.warmup_spam_count,
    {{ instantly.ratio('accounts.warmup_inbox_count', 'accounts.warmup_sent_count') }} as warmup_inbox_rate_per_sent,
    accounts.loaded_at
from accounts
left join verdicts on verdicts.workspace_id = accounts.workspace_id and verdicts.email = accounts.email
