{#- Every code has words: those that have none are new or the customer's own, which is worth a look and no error. -#}
{% test known_codes(model, labels) %}
{{ config(severity='warn') }}
{#- The rows are read once, however many codes they have. -#}
with combinations as (
    select
        {%- for name in labels | list + labels.values() | list %}
        {{ name }},
        {%- endfor %}
        count(*) as rows_count
    from {{ model }}
    group by {{ (labels | list + labels.values() | list) | join(', ') }}
)
{% for code, label in labels.items() %}
select '{{ code }}' as code_column, {{ code }} as code, sum(rows_count) as rows_count
from combinations
where {{ code }} is not null and {{ label }} is null
group by {{ code }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
