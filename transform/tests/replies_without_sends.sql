-- Nobody replies to a campaign that has sent nothing.
{{ config(severity=var('instantly__quality_severity')) }}
select campaign_id, emails_sent_count, reply_count
from {{ ref('instantly__campaigns') }}
where reply_count > 0 and coalesce(emails_sent_count, 0) = 0
