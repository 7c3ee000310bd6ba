{#- Differences between the databases that dbt's own macros do not cover. -#}

{#- A type: text, bigint, double precision, boolean, date, timestamp or json. -#}
{% macro sql_type(name) %}{{ return(adapter.dispatch('sql_types', 'instantly')().get(name, name)) }}{% endmacro %}
{% macro default__sql_types() %}{{ return({}) }}{% endmacro %}
{% macro postgres__sql_types() %}{{ return({'json': 'jsonb'}) }}{% endmacro %}
{% macro snowflake__sql_types() %}{{ return({'json': 'variant'}) }}{% endmacro %}
{% macro bigquery__sql_types() %}{{ return({'text': 'string', 'bigint': 'int64', 'double precision': 'float64', 'timestamp': 'datetime'}) }}{% endmacro %}
{% macro redshift__sql_types() %}{{ return({'text': 'varchar(65535)', 'json': 'super'}) }}{% endmacro %}

{#- An object or array as that type: the loader for Postgres makes arrays of texts text[]; others keep objects as text. -#}
{% macro as_json(column) %}{{ return(adapter.dispatch('as_json', 'instantly')(column)) }}{% endmacro %}
{% macro default__as_json(column) %}{{ return(column.quoted) }}{% endmacro %}
{% macro postgres__as_json(column) %}{{ return('to_jsonb(' ~ column.quoted ~ ')') }}{% endmacro %}
{% macro bigquery__as_json(column) %}{{ return(('parse_json(' if column.dtype | lower == 'string' else 'to_json(') ~ column.quoted ~ ')') }}{% endmacro %}
{% macro redshift__as_json(column) %}{{ return(column.quoted if column.dtype | lower == 'super' else 'json_parse(' ~ column.quoted ~ ')') }}{% endmacro %}

{#- A column as a timestamp in UTC without a zone, whatever the loader has made of the tap's UTC. -#}
{% macro as_utc(column) %}
    {%- if instantly.has_zone(column) -%}
        {{ instantly.without_zone(column.quoted) }}
    {%- else -%}
        cast({{ column.quoted }} as {{ instantly.sql_type('timestamp') }})
    {%- endif -%}
{% endmacro %}

{#- True if a column is of a type that a cast would turn into the time zone of the session. -#}
{% macro has_zone(column) %}
    {%- set type = column.dtype | lower -%}
    {{ return('with time zone' in type or (target.type == 'bigquery' and type == 'timestamp') or type.startswith(('timestamptz', 'timestamp_tz', 'timestamp_ltz'))) }}
{% endmacro %}

{% macro without_zone(expression) %}{{ return(adapter.dispatch('without_zone', 'instantly')(expression)) }}{% endmacro %}
{% macro default__without_zone(expression) %}({{ expression }} at time zone 'UTC'){% endmacro %}
{% macro bigquery__without_zone(expression) %}datetime({{ expression }}, 'UTC'){% endmacro %}
{% macro snowflake__without_zone(expression) %}cast(convert_timezone('UTC', {{ expression }}) as timestamp){% endmacro %}

{#- The running day in UTC, whatever the time zone of the session, which current_date goes by. -#}
{% macro today() %}cast({{ instantly.now() }} as date){% endmacro %}

{#- The time in UTC. -#}
{% macro now() %}{{ instantly.without_zone(dbt.current_timestamp()) }}{% endmacro %}

{#- Text at a path of keys within an object; NULL where there is nothing. -#}
{% macro json_text(expression, path) %}{{ return(adapter.dispatch('json_text', 'instantly')(expression, path)) }}{% endmacro %}
{% macro default__json_text(expression, path) %}json_extract_string({{ expression }}, '$.{{ path | join('.') }}'){% endmacro %}
{% macro postgres__json_text(expression, path) %}({{ expression }} #>> '{{ '{' ~ path | join(',') ~ '}' }}'){% endmacro %}
{% macro bigquery__json_text(expression, path) %}json_value({{ expression }}, '$.{{ path | join('.') }}'){% endmacro %}
{% macro redshift__json_text(expression, path) %}json_extract_path_text(json_serialize({{ expression }}), '{{ path | join("', '") }}', true){% endmacro %}
{% macro snowflake__json_text(expression, path) %}cast(get_path({{ expression }}, '{{ path | join('.') }}') as text){% endmacro %}

{#- An object that may have come as text: some loaders write it so, and it is a text within the type of objects then. -#}
{% macro unwrapped(expression) %}{{ return(adapter.dispatch('unwrapped', 'instantly')(expression)) }}{% endmacro %}
{% macro default__unwrapped(expression) %}{{ return(expression) }}{% endmacro %}
{% macro postgres__unwrapped(expression) -%}
    (case when jsonb_typeof({{ expression }}) = 'string' then cast({{ expression }} #>> '{}' as jsonb) else {{ expression }} end)
{%- endmacro %}

{% macro bigquery__unwrapped(expression) -%}
    (case when json_type({{ expression }}) = 'string' then parse_json(json_value({{ expression }})) else {{ expression }} end)
{%- endmacro %}
{% macro redshift__unwrapped(expression) -%}
    (case when json_typeof({{ expression }}) = 'string' then json_parse(cast({{ expression }} as {{ instantly.sql_type('text') }})) else {{ expression }} end)
{%- endmacro %}

{#- One row per text of an array, to be put after another relation and a comma; text_of has the text. -#}
{% macro each_text(expression, alias) %}{{ return(adapter.dispatch('each_text', 'instantly')(expression, alias)) }}{% endmacro %}
{% macro default__each_text(expression, alias) %}lateral (select unnest(from_json({{ expression }}, '["VARCHAR"]')) as value) as {{ alias }}{% endmacro %}
{% macro postgres__each_text(expression, alias) %}lateral jsonb_array_elements_text(
    case when jsonb_typeof({{ expression }}) = 'array' then {{ expression }} end
) as {{ alias }}(value){% endmacro %}
{% macro snowflake__each_text(expression, alias) %}lateral flatten(input => {{ expression }}) as {{ alias }}{% endmacro %}
{% macro bigquery__each_text(expression, alias) %}unnest(json_value_array({{ expression }})) as {{ alias }}{% endmacro %}
{% macro redshift__each_text(expression, alias) %}{{ expression }} as {{ alias }}{% endmacro %}

{#- The text of a row of each_text. -#}
{% macro text_of(alias) %}
    {%- set column = alias if target.type in ('bigquery', 'redshift') else alias ~ '.value' -%}
    cast({{ column }} as {{ instantly.sql_type('text') }})
{%- endmacro %}

{#- A text as SQL. -#}
{% macro literal(text) %}{{ return(adapter.dispatch('literal', 'instantly')(text)) }}{% endmacro %}
{% macro default__literal(text) %}{{ return("'" ~ text | replace("'", "''") ~ "'") }}{% endmacro %}
{% macro snowflake__literal(text) %}{{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "''") ~ "'") }}{% endmacro %}
{% macro redshift__literal(text) %}{{ return(instantly.snowflake__literal(text)) }}{% endmacro %}
{% macro bigquery__literal(text) %}{{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "\\'") | replace('\n', '\\n') ~ "'") }}{% endmacro %}

{#- A text, number or boolean within an object as text; NULL where there is nothing, or an object or array. -#}
{% macro json_scalar(expression, key) -%}
    case when {{ instantly.json_is_nested(expression, key) }} then null else {{ instantly.json_member(expression, key) }} end
{%- endmacro %}

{#- Value of an object under a key, as text; the key is any text. -#}
{% macro json_member(expression, key) %}{{ return(adapter.dispatch('json_member', 'instantly')(expression, key)) }}{% endmacro %}
{% macro default__json_member(expression, key) %}json_extract_string({{ expression }}, {{ instantly.json_pointer(key) }}){% endmacro %}
{% macro postgres__json_member(expression, key) %}({{ expression }} ->> {{ instantly.literal(key) }}){% endmacro %}
{% macro snowflake__json_member(expression, key) %}cast(get({{ expression }}, {{ instantly.literal(key) }}) as text){% endmacro %}
{% macro bigquery__json_member(expression, key) %}json_value({{ expression }}[{{ instantly.literal(key) }}]){% endmacro %}
{% macro redshift__json_member(expression, key) %}json_extract_path_text(json_serialize({{ expression }}), {{ instantly.literal(key) }}, true){% endmacro %}

{#- True if an object has an object or array under a key. Redshift cannot say: it returns them as text. -#}
{% macro json_is_nested(expression, key) %}{{ return(adapter.dispatch('json_is_nested', 'instantly')(expression, key)) }}{% endmacro %}
{% macro default__json_is_nested(expression, key) %}json_type({{ expression }}, {{ instantly.json_pointer(key) }}) in ('OBJECT', 'ARRAY'){% endmacro %}
{% macro postgres__json_is_nested(expression, key) %}jsonb_typeof({{ expression }} -> {{ instantly.literal(key) }}) in ('object', 'array'){% endmacro %}
{% macro snowflake__json_is_nested(expression, key) %}typeof(get({{ expression }}, {{ instantly.literal(key) }})) in ('OBJECT', 'ARRAY'){% endmacro %}
{% macro bigquery__json_is_nested(expression, key) %}json_type({{ expression }}[{{ instantly.literal(key) }}]) in ('object', 'array'){% endmacro %}
{% macro redshift__json_is_nested(expression, key) %}false{% endmacro %}

{#- A key as DuckDB's pointer into an object. -#}
{% macro json_pointer(key) %}{{ return(instantly.literal('/' ~ key | replace('~', '~0') | replace('/', '~1'))) }}{% endmacro %}

{#- A time written as text, in UTC: of any offset, UTC without one. NULL for a text that is not a time. -#}
{% macro utc_of_text(text) %}{{ return(adapter.dispatch('utc_of_text', 'instantly')(text)) }}{% endmacro %}
{% macro default__utc_of_text(text) -%}
    (try_cast(case when {{ text }} like '%T%Z' or {{ text }} like '%T%+%' or {{ text }} like '%T%-%' then {{ text }} else {{ text }} || 'Z' end as timestamptz) at time zone 'UTC')
{%- endmacro %}
{#- The day is added to the first of its month, since a cast of an impossible one would end the build. -#}
{% macro postgres__utc_of_text(text) -%}
    case
        when {{ text }} ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[+-][01][0-9]:?[0-5][0-9])?$'
            then (
                cast(
                    substr({{ text }}, 1, 8) || '01' || substr({{ text }}, 11) || case when substr({{ text }}, 11) ~ '[Z+-]' then '' else 'Z' end
                    as timestamptz
                ) at time zone 'UTC'
            ) + (cast(substr({{ text }}, 9, 2) as integer) - 1) * interval '1 day'
    end
{%- endmacro %}
{% macro snowflake__utc_of_text(text) -%}
    cast(convert_timezone('UTC', try_cast({{ text }} as timestamp_tz)) as timestamp)
{%- endmacro %}
{% macro bigquery__utc_of_text(text) -%}
    datetime(safe_cast({{ text }} as timestamp), 'UTC')
{%- endmacro %}
{% macro redshift__utc_of_text(text) %}{{ return(instantly.default__utc_of_text(text)) }}{% endmacro %}
