{#- There are as many rows as in another relation, less those that the condition leaves out there. -#}
{% test row_parity(model, with, where=none) %}
select own.rows_count, other.rows_count as rows_there
from (select count(*) as rows_count from {{ model }}) as own
cross join (
    select count(*) as rows_count
    from {{ with }}
    {{ 'where ' ~ where if where }}
) as other
where own.rows_count <> other.rows_count
{% endtest %}
