{#- The values lie between two numbers, those included; NULL is fine. -#}
{% test between(model, column_name, least=none, most=none) %}
select {{ column_name }}
from {{ model }}
where
    1 = 0
    {%- if least is not none %}
    or {{ column_name }} < {{ least }}
    {%- endif %}
    {%- if most is not none %}
    or {{ column_name }} > {{ most }}
    {%- endif %}
{% endtest %}
