{%- set pairs = [('bounce', 'bounced_count', 'sent_count'), ('reply', 'reply_count', 'sent_count'), ('inbox', 'warmup_inbox_count', 'warmup_sent_count')] -%}
with days as (
    select
        workspace_id,
        workspace_name,
        source_relation,
        domain,
        date,
        cast(sum(case when sent_count > 0 then 1 else 0 end) as bigint) as sending_accounts_count,
        {{ instantly.total('sent_count') }} as sent_count,
        {{ instantly.total('bounced_count') }} as bounced_count,
        {{ instantly.total('new_leads_contacted_count') }} as new_leads_contacted_count,
        {{ instantly.total('reply_count') }} as reply_count,
        {%- for name, part, whole in pairs %}
        {{ instantly.total(instantly.part_of(part, whole)) }} as {{ name }}_part,
        {{ instantly.total(instantly.part_of(whole, part)) }} as {{ name }}_whole,
        {%- endfor %}
        {{ instantly.total('automatic_reply_count') }} as automatic_reply_count,
        {{ instantly.total('warmup_sent_count') }} as warmup_sent_count,
        {{ instantly.total('warmup_inbox_count') }} as warmup_inbox_count,
        {{ instantly.total('warmup_spam_count') }} as warmup_spam_count
    from {{ ref('instantly__account_daily') }}
    where is_attributed and domain is not null
    group by workspace_id, workspace_name, source_relation, domain, date
)

select
    workspace_id,
    workspace_name,
    source_relation,
    domain,
    date,
    sending_accounts_count,
    sent_count,
    bounced_count,
    new_leads_contacted_count,
    reply_count,
    automatic_reply_count,
    {{ instantly.ratio('bounce_part', 'bounce_whole') }} as bounce_rate_per_sent,
    {{ instantly.ratio('reply_part', 'reply_whole') }} as replies_per_sent,
    warmup_sent_count,
    warmup_inbox_count,
    warmup_spam_count,
    {{ instantly.ratio('inbox_part', 'inbox_whole') }} as warmup_inbox_rate_per_sent
from days
