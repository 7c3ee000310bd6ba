-- A custom variable is a text, a number or a boolean; what is an object or an array is NULL in the marts.
{{ config(enabled=var('instantly__custom_variables') | length > 0, severity=var('instantly__quality_severity')) }}
{% for key in instantly.custom_variables().values() %}
select lead_id, {{ instantly.literal(key) }} as variable
from {{ ref('stg_instantly__leads') }}
where {{ instantly.json_is_nested('payload', key) }}
{{ 'union all' if not loop.last }}
{% endfor %}
