{#- There are as many rows as in another relation, counting only those here that fulfil the condition, if any. -#}
{% test row_parity(model, with, own_where='1 = 1') %}
select own.rows_count, other.rows_count as rows_there
from (select count(*) as rows_count from {{ model }} where {{ own_where }}) as own
cross join (select count(*) as rows_count from {{ with }}) as other
where own.rows_count <> other.rows_count
{% endtest %}
