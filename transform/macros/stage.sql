{#- The rows of a stream: columns typed and renamed, codes in words, one row per key, and without what is marked as deleted.

    Args:
        stream: Its name, which is that of the table unless a variable says another.
        key: The columns that identify a row, by their names here.
        codes: The labels of codes, if it has codes.

    _staging.yml has the columns and their types. `meta` says what a column is in the table, if its name differs there; that
    it holds an address, which is put into small letters; or which code's label it is, and the stream and field that explain it.

    Of several rows of a key the one that was loaded last counts, whatever schema it is in; of those of one batch, the one
    that changed last, or came last. Keys that differ in the capitals of an address alone are one key. A column that is not in
    the table, because it was not selected, is NULL. So is loaded_at where the loader adds none. extracted_at is when the tap
    read the row: a batch that is loaded after midnight was read before.
-#}
{% macro stage(stream, key, codes=none) %}
{%- set columns, labels = [], {} -%}
{%- for column in model.columns.values() if column.name not in ['loaded_at', 'extracted_at', 'source_relation'] -%}
    {%- set meta = column.config.meta -%}
    {%- if meta.label_of -%}
        {%- do labels.update({meta.label_of: {'name': column.name, 'stream': meta.stream, 'field': meta.field}}) -%}
    {%- else -%}
        {%- do columns.append((meta.source or column.name, column.name, 'address' if meta.address else column.data_type)) -%}
    {%- endif -%}
{%- endfor -%}
{%- set spelt = columns | selectattr(1, 'in', key) | selectattr(2, 'equalto', 'address') | map(attribute=0) | list -%}
{%- set tables = instantly.tables_of(stream, columns | selectattr(1, 'in', key) | map(attribute=0) | list) -%}
{%- set names = [] -%}
{%- for table in tables -%}{%- do names.extend(table.columns) -%}{%- endfor -%}
{%- set changed = columns | selectattr(0, 'equalto', 'timestamp_updated') | selectattr(0, 'in', names) | map(attribute=1) | list -%}
with loaded as (
    {%- for table in tables or [{'columns': {}}] %}
    select
        {%- for column in columns %}
        {{ instantly.typed(table.columns.get(column[0]), column[2]) }} as {{ column[1] }},
        {%- endfor %}
        {{ instantly.typed(table.columns.get('_sdc_batched_at'), 'timestamp') }} as loaded_at,
        {{ instantly.earlier(
            instantly.typed(table.columns.get('_sdc_extracted_at'), 'timestamp'),
            instantly.typed(table.columns.get('_sdc_batched_at'), 'timestamp')
        ) }} as extracted_at,
        {%- if '_sdc_sequence' in names %}
        {{ instantly.typed(table.columns.get('_sdc_sequence'), 'bigint') }} as load_sequence,
        {%- endif %}
        {%- for name in spelt if tables %}
        {{ table.columns[name].quoted }} as spelt_{{ loop.index }},
        {%- endfor %}
        cast({{ instantly.literal(table.schema or '') }} as {{ instantly.sql_type('text') }}) as source_relation
        {%- if tables %}
    from {{ table.relation }}
        {%- if '_sdc_deleted_at' in table.columns %}
    where {{ table.columns['_sdc_deleted_at'].quoted }} is null
        {%- endif %}
        {%- else %}
    from (select 1 as nothing) as nothing
    where 1 = 0
        {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

records as (
    select
        *,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by loaded_at desc nulls last
                {%- for name in changed + (['load_sequence'] if '_sdc_sequence' in names else []) + ['extracted_at'] %}, {{ name }} desc nulls last{% endfor %}
                {%- for name in spelt if tables %}, spelt_{{ loop.index }}{% endfor %}
                {{- ', source_relation' if tables | length > 1 }}
        ) as copy_number
    from loaded
)

select
    {%- for column in columns %}
    records.{{ column[1] }},
        {%- if column[1] in labels %}
    {{ labels[column[1]].name }}_label.label as {{ labels[column[1]].name }},
        {%- endif %}
    {%- endfor %}
    records.loaded_at,
    records.extracted_at,
    records.source_relation
from records
{%- for code, label in labels.items() %}
left join {{ codes }} as {{ label.name }}_label
    on {{ label.name }}_label.stream = '{{ label.stream }}'
    and {{ label.name }}_label.field = '{{ label.field }}'
    and {{ label.name }}_label.code = records.{{ code }}
{%- endfor %}
where records.copy_number = 1
{% endmacro %}

{#- A column of a loader as one of ours; of the given type and NULL if there is none. -#}
{% macro typed(column, type) %}
    {%- set sql_type = instantly.sql_type('text' if type == 'address' else type) -%}
    {%- if not column -%}
        cast(null as {{ sql_type }})
    {%- elif type == 'json' -%}
        {{ instantly.as_json(column) }}
    {%- elif type == 'address' -%}
        lower(cast({{ column.quoted }} as {{ sql_type }}))
    {%- elif type == 'timestamp' -%}
        {{ instantly.as_utc(column) }}
    {%- else -%}
        cast({{ instantly.as_utc(column) if type == 'date' and instantly.has_zone(column) else column.quoted }} as {{ sql_type }})
    {%- endif -%}
{% endmacro %}
