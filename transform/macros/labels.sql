{#- A query of the labels that a workspace made for interest statuses. If several share a status, the newest counts. -#}
{% macro interest_labels() %}
    select
        workspace_id,
        interest_status,
        label,
        interest_status_label,
        row_number() over (
            partition by workspace_id, interest_status
            order by case when created_at is null then 1 else 0 end, created_at desc, label_id
        ) as place
    from {{ ref('stg_instantly__lead_labels') }}
{% endmacro %}
