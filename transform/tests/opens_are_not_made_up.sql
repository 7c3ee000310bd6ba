-- If tracking was off at times, 0 opens would be read as nobody having opened, and a rate as that of all.
select campaign_id, open_count_unique, open_rate_per_contacted
from {{ ref('instantly__campaigns') }}
where
    (open_count_unique = 0 and not coalesce(open_tracking, false))
    or (open_rate_per_contacted is not null and not is_open_tracked_throughout)
