-- Without tracking, 0 opens would be read as nobody having opened.
select campaign_id, open_count_unique, open_rate_per_contacted
from {{ ref('instantly__campaigns') }}
where not open_tracking and (open_count_unique is not null or open_rate_per_contacted is not null)
