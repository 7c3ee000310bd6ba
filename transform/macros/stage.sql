{#- The rows of a stream: columns typed and renamed, codes in words, one row per key, and without what is marked as deleted.

    Args:
        stream: Its name, which is that of the table.
        key: The columns that identify a row.
        columns: For each column its name in the table, its name here, its type (text, bigint, double precision, boolean,
            date, timestamp, json, or address, which is a text in small letters), and for a code the name of what it stands
            for and the stream and field of instantly_codes that explain it.

    Of several rows of a key the one that was loaded last counts; of those of one batch, the one that changed last, or came
    last. Keys that differ in the capitals of an address alone are one key. A column that is not in the table, because it was
    not selected, is NULL. So is loaded_at where the loader adds none. extracted_at is when the tap read the row: a batch that
    is loaded after midnight was read before.
-#}
{% macro stage(stream, key, columns) %}
{%- set on = stream not in var('instantly__streams_off') -%}
{%- set there = {} -%}
{%- if on -%}
    {%- set table = source('instantly', stream) -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(table) -%}
            {%- do there.update({column.name | lower: column}) -%}
        {%- endfor -%}
        {%- if not there -%}
            {{ exceptions.raise_compiler_error(
                "there is no table " ~ table ~ ": load the stream " ~ stream ~ ", or add it to the variable instantly__streams_off"
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endif -%}
{%- set addresses = columns | selectattr(2, 'equalto', 'address') | map(attribute=0) | list -%}
{%- set newest = ['_sdc_batched_at', 'timestamp_updated', '_sdc_sequence', '_sdc_extracted_at'] | select('in', there) | list -%}
with records as (
    select
        {%- for column in columns %}
        {{ instantly.typed(there.get(column[0]), column[2]) }} as {{ column[1] }},
        {%- endfor %}
        {{ instantly.typed(there.get('_sdc_batched_at'), 'timestamp') }} as loaded_at,
        {{ instantly.earlier(
            instantly.typed(there.get('_sdc_extracted_at'), 'timestamp'), instantly.typed(there.get('_sdc_batched_at'), 'timestamp')
        ) }} as extracted_at,
        {%- if there %}
        row_number() over (
            partition by {% for name in key %}{{ instantly.typed(there[name], 'address') if name in addresses else there[name].quoted }}{{ ', ' if not loop.last }}{% endfor %}
            order by {% for name in newest %}{{ there[name].quoted }} desc nulls last, {% endfor %}{% for name in key if name in addresses %}{{ there[name].quoted }}, {% endfor %}1
        ) as copy_number
    from {{ table }}
        {%- if '_sdc_deleted_at' in there %}
    where {{ there['_sdc_deleted_at'].quoted }} is null
        {%- endif %}
        {%- else %}
        1 as copy_number
    from (select 1 as nothing) as nothing
    where 1 = 0
        {%- endif %}
)

select
    {%- for column in columns %}
    records.{{ column[1] }},
        {%- if column[3] is defined %}
    code_{{ loop.index }}.label as {{ column[3] }},
        {%- endif %}
    {%- endfor %}
    records.loaded_at,
    records.extracted_at
from records
{%- for column in columns if column[3] is defined %}
left join {{ ref('instantly_codes') }} as code_{{ columns.index(column) + 1 }}
    on code_{{ columns.index(column) + 1 }}.stream = '{{ column[4] }}'
    and code_{{ columns.index(column) + 1 }}.field = '{{ column[5] }}'
    and code_{{ columns.index(column) + 1 }}.code = records.{{ column[1] }}
{%- endfor %}
where records.copy_number = 1
{% endmacro %}

{#- A column of a loader as one of ours; of the given type and NULL if there is none. -#}
{% macro typed(column, type) %}
    {%- if type == 'json' -%}
        {{ instantly.as_json(column.quoted) if column else 'cast(null as ' ~ instantly.json_type() ~ ')' }}
    {%- elif not column -%}
        cast(null as {{ 'text' if type == 'address' else type }})
    {%- elif type == 'address' -%}
        lower(cast({{ column.quoted }} as text))
    {%- elif type == 'timestamp' -%}
        {{ instantly.as_utc(column) }}
    {%- elif type == 'date' -%}
        cast({{ instantly.as_utc(column) if instantly.has_zone(column) else column.quoted }} as date)
    {%- else -%}
        cast({{ column.quoted }} as {{ type }})
    {%- endif -%}
{% endmacro %}
