with counts as (
    select
        steps.workspace_id,
        workspaces.workspace_name,
        workspaces.source_relation,
        steps.campaign_id,
        campaigns.campaign_name,
        steps.step,
        steps.variant,
        {{ instantly.whole_number('steps.step') }} as step_number,
        {{ instantly.whole_number('steps.variant') }} as variant_number,
        variants.subject,
        coalesce(variants.v_disabled, case when variants.campaign_id is not null then false end) as is_disabled,
        {{ instantly.whole_number('steps.step') }} is not null and {{ instantly.whole_number('steps.variant') }} is not null as is_attributed,
        steps.sent as sent_count,
        {{ instantly.tracked_ever('steps.unique_opened', 'open_tracking', 'opens') }} as open_count_unique,
        {{ instantly.tracked_ever('steps.unique_clicks', 'link_tracking', 'clicks') }} as link_click_count_unique,
        steps.replies as reply_count,
        {{ instantly.human('steps.unique_replies', 'steps.unique_replies_automatic') }} as reply_count_unique,
        steps.unique_replies_automatic as reply_count_automatic_unique,
        steps.unique_opportunities as positive_count,
        steps.meetings_booked as meeting_booked_count,
        steps.won as won_count,
        steps.loaded_at
    from {{ instantly.usable('campaign_analytics_steps') }} as steps
    left join {{ ref('int_instantly__campaigns') }} as campaigns on campaigns.campaign_id = steps.campaign_id
    left join {{ ref('int_instantly__workspaces') }} as workspaces on workspaces.workspace_id = steps.workspace_id
    left join {{ ref('stg_instantly__campaign_variants') }} as variants
        on variants.campaign_id = steps.campaign_id
        and variants.step = steps.step
        and variants.variant = steps.variant
),

rates as (
    select
        *,
        {{ instantly.ratio('reply_count_unique', 'sent_count') }} as reply_rate_per_sent,
        {{ instantly.wilson('reply_count_unique', 'sent_count', -1) }} as reply_rate_per_sent_low,
        {{ instantly.wilson('reply_count_unique', 'sent_count', 1) }} as reply_rate_per_sent_high,
        {{ instantly.ratio('positive_count', 'sent_count') }} as positive_reply_rate_per_sent,
        {{ instantly.wilson('positive_count', 'sent_count', -1) }} as positive_reply_rate_per_sent_low,
        {{ instantly.wilson('positive_count', 'sent_count', 1) }} as positive_reply_rate_per_sent_high,
        coalesce(sent_count, 0) < {{ var('instantly__early_sends') }} as is_early
    from counts
),

-- A variant that was switched off early was never judged, and is gone. All others are rivals, early ones too.
pairs as (
    select
        own.campaign_id,
        own.step,
        own.variant,
        own.reply_count_unique,
        own.sent_count,
        own.reply_rate_per_sent_low as low,
        other.reply_count_unique as rival_replies,
        other.sent_count as rival_sent,
        case when not other.is_early then other.reply_rate_per_sent end as rival_rate,
        -- Without figures, or with more replies than sends, it may reach anything.
        coalesce(other.reply_rate_per_sent_high, 1) as rival_high
    from rates as own
    inner join rates as other
        on other.campaign_id = own.campaign_id
        and other.step = own.step
        and other.variant <> own.variant
        and other.is_attributed
        and not (other.is_early and coalesce(other.is_disabled, false))
    where own.is_attributed and not own.is_early
),

contests as (
    select
        campaign_id,
        step,
        variant,
        max(rival_rate) as best_rival_rate,
        count(*) over () as contests_count
    from pairs
    group by campaign_id, step, variant
    having max(rival_rate) is not null
),

rivals as (
    select
        pairs.campaign_id,
        pairs.step,
        pairs.variant,
        max(contests.best_rival_rate) as rate,
        min(
            case
                when pairs.low > pairs.rival_high
                    and {{ instantly.beyond_chance(
                        'pairs.reply_count_unique', 'pairs.sent_count', 'pairs.rival_replies', 'pairs.rival_sent', 'contests.contests_count'
                    ) }}
                    then 1
                else 0
            end
        ) = 1 as are_beaten
    from pairs
    inner join contests
        on contests.campaign_id = pairs.campaign_id and contests.step = pairs.step and contests.variant = pairs.variant
    group by pairs.campaign_id, pairs.step, pairs.variant
),

variants as (
    select
        campaign_id,
        step,
        count(*) as variants_in_step
    from counts
    where is_attributed
    group by campaign_id, step
)

select
    rates.workspace_id,
    rates.workspace_name,
    rates.source_relation,
    rates.campaign_id,
    rates.campaign_name,
    rates.step,
    rates.variant,
    rates.step_number,
    case
        when rates.variant_number between 0 and 25
            then substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ', cast(rates.variant_number as integer) + 1, 1)
        else cast(rates.variant_number as {{ instantly.sql_type('text') }})
    end as variant_label,
    rates.subject,
    rates.is_disabled,
    rates.is_attributed,
    rates.sent_count,
    rates.open_count_unique,
    rates.link_click_count_unique,
    rates.reply_count,
    rates.reply_count_unique,
    rates.reply_count_automatic_unique,
    rates.positive_count,
    rates.meeting_booked_count,
    rates.won_count,
    rates.reply_rate_per_sent,
    rates.reply_rate_per_sent_low,
    rates.reply_rate_per_sent_high,
    rates.positive_reply_rate_per_sent,
    rates.positive_reply_rate_per_sent_low,
    rates.positive_reply_rate_per_sent_high,
    rates.is_early,
    case when rates.is_attributed then cast(variants.variants_in_step as bigint) end as variants_in_step,
    coalesce(rates.reply_rate_per_sent > 0 and rates.reply_rate_per_sent <= 1 and rates.reply_rate_per_sent >= rivals.rate, false) as is_best,
    coalesce(rivals.are_beaten, false) as is_clear_winner,
    rates.loaded_at
from rates
left join rivals
    on rivals.campaign_id = rates.campaign_id and rivals.step = rates.step and rivals.variant = rates.variant
left join variants on variants.campaign_id = rates.campaign_id and variants.step = rates.step
