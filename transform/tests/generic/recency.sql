{#- The latest date of the column is no more than so many days before the latest date of another relation. Of nothing at all
    there is no latest date, and so nothing to find. -#}
{% test recency(model, column_name, days, of, column) %}
select own.latest, other.latest as latest_there
from (select max({{ column_name }}) as latest from {{ model }}) as own
cross join (select max({{ column }}) as latest from {{ of }}) as other
where own.latest < {{ instantly.days_after('other.latest', -days) }}
{% endtest %}
