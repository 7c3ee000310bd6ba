{#- Figures of the streams of analytics, none of which can be below zero. -#}
{% macro figures_of(stream) %}
    {%- set opens = ['opened', 'unique_opened', 'clicks', 'unique_clicks'] -%}
    {%- set replies = ['replies', 'unique_replies', 'replies_automatic', 'unique_replies_automatic'] -%}
    {%- set warmup = ['sent', 'received', 'landed_inbox', 'landed_spam'] -%}
    {{ return({
        'campaign_analytics_daily': ['sent', 'contacted', 'new_leads_contacted', 'opportunities', 'unique_opportunities'] + opens + replies,
        'account_analytics_daily': ['sent', 'bounced', 'contacted', 'new_leads_contacted'] + opens + replies,
        'account_warmup_daily': warmup,
        'account_warmup': warmup + ['health_score'],
        'campaign_analytics': [
            'leads_count', 'contacted_count', 'new_leads_contacted_count', 'emails_sent_count', 'completed_count', 'bounced_count',
            'unsubscribed_count', 'open_count_unique', 'link_click_count_unique', 'reply_count', 'reply_count_unique',
            'reply_count_automatic_unique', 'total_opportunities', 'total_opportunity_value',
        ],
        'campaign_analytics_overview': ['total_interested', 'total_meeting_booked', 'total_meeting_completed', 'total_closed'],
        'campaign_analytics_steps': ['sent', 'unique_opportunities', 'meetings_booked', 'won'] + opens + replies,
    }[stream]) }}
{% endmacro %}

{#- Streams of analytics with a row per day. -#}
{% macro dated() %}{{ return(['campaign_analytics_daily', 'account_analytics_daily', 'account_warmup_daily']) }}{% endmacro %}

{#- Why a row of a stream of analytics cannot be right and is left out, as text; NULL where nothing speaks against it. Days are
    those of the workspace, of which some begin half a day before UTC's. -#}
{% macro odd_because(stream) -%}
    case
        when {% for figure in instantly.figures_of(stream) %}{{ figure }} < 0{{ ' or ' if not loop.last }}{% endfor %} then 'a figure is below zero'
        {%- if stream in instantly.dated() %}
        when date < cast('{{ var('instantly__first_day') }}' as date) then 'its day is before there was Instantly'
        when date > {{ instantly.days_after('cast(coalesce(extracted_at, loaded_at, ' ~ instantly.now() ~ ') as date)', 1) }} then 'its day is after that of the load'
        {%- endif %}
    end
{%- endmacro %}

{#- The rows of a stream of analytics but for those that are odd, which instantly__odd_rows names. -#}
{% macro usable(stream) -%}
    (select * from {{ ref('stg_instantly__' ~ stream) }} where {{ instantly.odd_because(stream) }} is null)
{%- endmacro %}
