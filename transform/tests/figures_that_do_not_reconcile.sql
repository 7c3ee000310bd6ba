-- Sums over days, steps and accounts are what the totals say.
{{ config(severity=var('instantly__quality_severity')) }}
select workspace_id, campaign_id, check_name, left_value, right_value
from {{ ref('instantly__reconciliation') }}
where not is_ok
