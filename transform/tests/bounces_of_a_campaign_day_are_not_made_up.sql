-- The API does not have them: a figure here, 0 above all, would be read as one.
select campaign_id, date, bounced_count
from {{ ref('instantly__campaign_daily') }}
where bounced_count is not null
