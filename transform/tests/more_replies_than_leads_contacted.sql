-- Of the leads that were contacted no more can have replied, and no more can have replied positively.
{{ config(severity=var('instantly__quality_severity')) }}
select campaign_id, contacted_count, reply_count_unique, positive_count
from {{ ref('instantly__campaigns') }}
where reply_count_unique > contacted_count or positive_count > contacted_count
