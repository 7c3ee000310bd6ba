{#- Figures of the streams of analytics that cannot be below zero. -#}
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

{#- More than any figure can be: what is above it, or no number at all, would end a sum, and the build with it. -#}
{% macro most() %}{{ return(10 ** 15) }}{% endmacro %}

{#- Reason to leave out a row of analytics that cannot be right, as text; NULL if there is none. Days are
    those of the workspace, of which some begin half a day before UTC's. -#}
{% macro odd_because(stream) -%}
    {%- set figures = instantly.figures_of(stream) -%}
    case
        {%- if stream in instantly.dated() %}
        when date is null then 'it has no day'
        {%- endif %}
        when {{ figures | join(' < 0 or ') }} < 0 then 'a figure is below zero'
        when {{ figures | join(' > ' ~ instantly.most() ~ ' or ') }} > {{ instantly.most() }} then 'a figure is no number that can be'
        {%- if stream in instantly.dated() %}
        when date < cast('{{ var('instantly__first_day') }}' as date) then 'its day is before there was Instantly'
        {%- for what in instantly.born(stream) %}
        when date < {{ instantly.days_after(what ~ '_born_on', -1) }} then 'its day is before the {{ what }} was created'
        {%- endfor %}
        when date > {{ instantly.days_after('cast(coalesce(extracted_at, loaded_at, ' ~ instantly.now() ~ ') as date)', 1) }} then 'its day is after that of the load'
        {%- endif %}
    end
{%- endmacro %}

{#- Owner of the days of a stream, which cannot be older than it. An account can be added once more, and its days are older then. -#}
{% macro born(stream) %}
    {{ return([] if stream not in instantly.dated() else ['campaign', 'workspace'] if stream == 'campaign_analytics_daily' else ['workspace']) }}
{% endmacro %}

{#- The rows of a stream of analytics, each with what speaks against it. -#}
{% macro judged(stream) -%}
    (
        select figures.*, {{ instantly.odd_because(stream) }} as odd_because
        from {{ ref('stg_instantly__' ~ stream) }} as figures
        {%- for what in instantly.born(stream) %}
        left join (
            select {{ what }}_id as {{ what }}_born, min(cast(created_at as date)) as {{ what }}_born_on
            from {{ ref('stg_instantly__' ~ what ~ 's') }}
            group by {{ what }}_id
        ) as born_{{ what }}s on born_{{ what }}s.{{ what }}_born = figures.{{ what }}_id
        {%- endfor %}
    )
{%- endmacro %}

{#- The rows of a stream of analytics except the odd ones, which instantly__odd_rows names. -#}
{% macro usable(stream) -%}
    (select * from {{ instantly.judged(stream) }} as judged where odd_because is null)
{%- endmacro %}
