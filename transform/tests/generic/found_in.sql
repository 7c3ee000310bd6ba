{#- Each combination of the columns is in another relation too, counting only those that fulfil the condition, if any. What has
    no value is nowhere. -#}
{% test found_in(model, columns, to, own_where='1 = 1') %}
select distinct {% for column in columns %}own.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
from (select * from {{ model }} where {{ own_where }}) as own
where not exists (
    select 1
    from {{ to }} as other
    where {% for column in columns %}other.{{ column }} = own.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
)
{% endtest %}
