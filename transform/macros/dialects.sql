{#- What the databases spell differently, beside what dbt's own macros cover. -#}

{#- Type of an object or array. -#}
{% macro json_type() %}{{ return(adapter.dispatch('json_type', 'instantly')()) }}{% endmacro %}
{% macro default__json_type() %}{{ return('json') }}{% endmacro %}
{% macro postgres__json_type() %}{{ return('jsonb') }}{% endmacro %}
{% macro snowflake__json_type() %}{{ return('variant') }}{% endmacro %}

{#- An object or array as that type: the loader for Postgres makes arrays of texts text[]. -#}
{% macro as_json(expression) %}{{ return(adapter.dispatch('as_json', 'instantly')(expression)) }}{% endmacro %}
{% macro default__as_json(expression) %}{{ return(expression) }}{% endmacro %}
{% macro postgres__as_json(expression) %}{{ return('to_jsonb(' ~ expression ~ ')') }}{% endmacro %}

{#- A column as a timestamp in UTC without a zone, whatever the loader has made of the tap's UTC. -#}
{% macro as_utc(column) %}
    {%- if instantly.has_zone(column) -%}
        {{ instantly.without_zone(column.quoted) }}
    {%- else -%}
        cast({{ column.quoted }} as timestamp)
    {%- endif -%}
{% endmacro %}

{#- Whether a column is of a type that a cast would turn into the time zone of the session. -#}
{% macro has_zone(column) %}
    {%- set type = column.dtype | lower -%}
    {{ return('with time zone' in type or type.startswith(('timestamptz', 'timestamp_tz', 'timestamp_ltz'))) }}
{% endmacro %}

{% macro without_zone(expression) %}{{ return(adapter.dispatch('without_zone', 'instantly')(expression)) }}{% endmacro %}
{% macro default__without_zone(expression) %}({{ expression }} at time zone 'UTC'){% endmacro %}
{% macro snowflake__without_zone(expression) %}cast(convert_timezone('UTC', {{ expression }}) as timestamp){% endmacro %}

{#- The running day in UTC, whatever the time zone of the session, which current_date goes by. -#}
{% macro today() %}cast({{ instantly.now() }} as date){% endmacro %}

{#- The time in UTC. -#}
{% macro now() %}{{ instantly.without_zone(dbt.current_timestamp()) }}{% endmacro %}

{#- Text at a path of keys within an object; NULL where there is nothing. -#}
{% macro json_text(expression, path) %}{{ return(adapter.dispatch('json_text', 'instantly')(expression, path)) }}{% endmacro %}
{% macro default__json_text(expression, path) %}json_extract_string({{ expression }}, '$.{{ path | join('.') }}'){% endmacro %}
{% macro postgres__json_text(expression, path) %}({{ expression }} #>> '{{ '{' ~ path | join(',') ~ '}' }}'){% endmacro %}
{% macro snowflake__json_text(expression, path) %}cast(get_path({{ expression }}, '{{ path | join('.') }}') as text){% endmacro %}

{#- One row per text of an array, to be put after another relation and a comma; the text is the column `value`. -#}
{% macro each_text(expression, alias) %}{{ return(adapter.dispatch('each_text', 'instantly')(expression, alias)) }}{% endmacro %}
{% macro default__each_text(expression, alias) %}lateral (select unnest(from_json({{ expression }}, '["VARCHAR"]')) as value) as {{ alias }}{% endmacro %}
{% macro postgres__each_text(expression, alias) %}lateral jsonb_array_elements_text(
    case when jsonb_typeof({{ expression }}) = 'array' then {{ expression }} end
) as {{ alias }}(value){% endmacro %}
{% macro snowflake__each_text(expression, alias) %}lateral flatten(input => {{ expression }}) as {{ alias }}{% endmacro %}
