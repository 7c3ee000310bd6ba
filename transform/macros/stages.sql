{#- The stages of a lead, in their order. -#}
{% macro stages() %}
    {{ return(['Leads', 'Contacted', 'Opened', 'Replied', 'Positive', 'Meeting booked', 'Won']) }}
{% endmacro %}
