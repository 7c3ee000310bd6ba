-- A custom variable that no lead has is probably misspelt: keys distinguish small letters and capitals.
{{ config(enabled=var('instantly__custom_variables') | length > 0, severity=var('instantly__quality_severity')) }}
{% for key in instantly.custom_variables().values() %}
select variable
from (select {{ instantly.literal(key) }} as variable) as chosen
where
    exists (select 1 from {{ ref('stg_instantly__leads') }})
    and not exists (
        select 1 from {{ ref('stg_instantly__leads') }} where {{ instantly.json_member('payload', key) }} is not null
    )
{{ 'union all' if not loop.last }}
{% endfor %}
