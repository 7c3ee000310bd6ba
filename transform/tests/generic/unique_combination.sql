{#- The columns together identify a row: each row has all of them except those that can be NULL, and no two rows have the same. -#}
{% test unique_combination(model, columns, nullable=[]) %}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns if column not in nullable %} or {{ column }} is null{% endfor %}
{% endtest %}
