{#- The values of the columns lie between two numbers, those included; NULL is fine. -#}
{% test between(model, columns, least, most) %}
select {{ columns | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} < {{ least }} or {{ column }} > {{ most }}{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
