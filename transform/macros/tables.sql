{#- The schemas with tables of the tap: that of the source, or all that are to be united. -#}
{% macro schemas(table, united) %}
    {%- if united is string or united is mapping or united | reject('string') | list or united | map('lower') | unique | list | length < united | length -%}
        {{ exceptions.raise_compiler_error("instantly__union_schemas has to be a list of schemas, each once, and is " ~ united) }}
    {%- endif -%}
    {%- if united and env_var('DBT_INSTANTLY_SCHEMA', '') -%}
        {{ exceptions.raise_compiler_error("DBT_INSTANTLY_SCHEMA names one schema and instantly__union_schemas several: unset one of them") }}
    {%- endif -%}
    {{ return(united or [table.schema]) }}
{% endmacro %}

{#- The tables of a stream, one for each schema that has it: schema, relation, and columns by their names in small letters.

    Args:
        stream: Its name.
        key: The columns of the table that identify a row.
        united: The schemas that are united, if any.

    A stream that is off has none. One that no schema has is an error. One that some lack was not loaded there: a warning.
-#}
{% macro tables_of(stream, key, united=none) %}
    {%- set united = var('instantly__union_schemas') if united is none else united -%}
    {%- set found = [] -%}
    {%- if stream not in var('instantly__streams_off') -%}
        {%- set source_table = source('instantly', stream) -%}
        {%- set schemas = instantly.schemas(source_table, united) -%}
        {%- set lacking = [] -%}
        {%- for schema in schemas if execute -%}
            {%- set relation = source_table.incorporate(path={'schema': schema}) if united else source_table -%}
            {%- set columns = {} -%}
            {%- for column in adapter.get_columns_in_relation(relation) -%}
                {%- do columns.update({column.name | lower: column}) -%}
            {%- endfor -%}
            {%- for name in key if columns and name not in columns -%}
                {{ exceptions.raise_compiler_error("table " ~ relation ~ " has no column " ~ name ~ ", which identifies its rows: the tap did not load it") }}
            {%- endfor -%}
            {%- if columns -%}
                {%- do found.append({'schema': schema, 'relation': relation, 'columns': columns}) -%}
            {%- elif united and not adapter.check_schema_exists(relation.database, schema) -%}
                {{ exceptions.raise_compiler_error("there is no schema " ~ schema ~ ": load it, or take it out of the variable instantly__union_schemas") }}
            {%- else -%}
                {%- do lacking.append(relation) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if lacking and not found -%}
            {{ exceptions.raise_compiler_error(
                "there is no table " ~ lacking | join(", nor ") ~ ": load the stream " ~ stream ~ ", or add it to the variable instantly__streams_off"
            ) }}
        {%- endif -%}
        {%- for relation in lacking -%}
            {%- do exceptions.warn("there is no table " ~ relation ~ ": nothing is known of " ~ stream ~ " there") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}
