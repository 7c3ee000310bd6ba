{#- The custom variables of leads that are chosen: of each its key in `payload`, and its column.

    Args:
        chosen: Keys, or mappings of `key` and `column`. Without it a column is called custom_ and the key in small letters, with
            what is no letter or digit as an underscore.
-#}
{% macro custom_variables(chosen=none) %}
    {%- set chosen = var('instantly__custom_variables') if chosen is none else chosen -%}
    {%- if chosen is string or chosen is mapping or chosen is not iterable -%}
        {{ exceptions.raise_compiler_error("instantly__custom_variables has to be a list of keys, and is " ~ chosen) }}
    {%- endif -%}
    {%- set found = {} -%}
    {%- for variable in chosen -%}
        {%- set given = variable if variable is mapping else {'key': variable} -%}
        {%- set key = given.get('key') -%}
        {%- if key is not string or not key or given.keys() | reject('in', ['key', 'column']) | list -%}
            {{ exceptions.raise_compiler_error(
                "instantly__custom_variables has " ~ variable ~ ": it has to be a key, which is a text, or {key: ..., column: ...}"
            ) }}
        {%- endif -%}
        {%- set column = given.get('column') or 'custom_' ~ modules.re.sub('[^a-z0-9]+', '_', key | lower).strip('_') -%}
        {%- if not modules.re.match('[a-z_][a-z0-9_]{0,62}$', column | string) or column == 'custom_' -%}
            {{ exceptions.raise_compiler_error(
                "the custom variable " ~ key ~ " makes no name of a column, which has small letters, digits and underscores, at most 63: say {key: ..., column: ...}"
            ) }}
        {%- endif -%}
        {%- if column in found or column in (model.columns if model is defined else {}) -%}
            {{ exceptions.raise_compiler_error(
                "the custom variable " ~ key ~ " would be the column " ~ column ~ ", as is " ~ (found.get(column) or "one of the mart") ~ ": say {key: ..., column: ...}"
            ) }}
        {%- endif -%}
        {%- do found.update({column: key}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
