{#- The latest day of a column is no more than so many days before that of another relation. Of nothing at all there is no
    latest day, and so nothing to find. -#}
{% test recency(model, column, days, with, with_column) %}
select own.latest, other.latest as latest_there
from (select max({{ column }}) as latest from {{ model }}) as own
cross join (select max({{ with_column }}) as latest from {{ with }}) as other
where own.latest < {{ instantly.days_after('other.latest', -days) }}
{% endtest %}
