{#- Every code has words: those that have none are new or the customer's own, which is worth a look and no error. -#}
{% test known_codes(model, labels) %}
{{ config(severity='warn') }}
{%- for code, label in labels.items() %}
select '{{ code }}' as code_column, {{ code }} as code, count(*) as rows_count
from {{ model }}
where {{ code }} is not null and {{ label }} is null
group by {{ code }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
