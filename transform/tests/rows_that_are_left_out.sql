-- Rows that cannot be right are left out, and somebody has to know.
{{ config(severity=var('instantly__quality_severity')) }}
select stream, row_key, reason
from {{ ref('instantly__odd_rows') }}
