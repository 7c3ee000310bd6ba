"""Records as the API sends them.

Keys whose value is null are left out by the server (recorded), new ones appear before the official document knows them,
and enums grow: read with ``.get`` and expect more than is declared. The same fields, with their descriptions, are in
``schemas/``.
"""

from __future__ import annotations

from typing import Any, TypedDict


class Campaign(TypedDict, total=False):
    """A campaign. Source: official document, ``Campaign``."""

    id: str
    name: str | None
    pl_value: float | None
    status: int | None
    is_evergreen: bool | None
    campaign_schedule: dict[str, Any] | None
    sequences: list[dict[str, Any]] | None
    timestamp_created: str | None
    timestamp_updated: str | None
    email_gap: float | None
    random_wait_max: float | None
    text_only: bool | None
    first_email_text_only: bool | None
    email_list: list[str] | None
    daily_limit: int | None
    stop_on_reply: bool | None
    email_tag_list: list[str] | None
    link_tracking: bool | None
    open_tracking: bool | None
    stop_on_auto_reply: bool | None
    daily_max_leads: int | None
    prioritize_new_leads: bool | None
    auto_variant_select: dict[str, Any] | None
    match_lead_esp: bool | None
    not_sending_status: int | None
    stop_for_company: bool | None
    core_variables: dict[str, Any] | None
    custom_variables: dict[str, Any] | None
    insert_unsubscribe_header: bool | None
    allow_risky_contacts: bool | None
    disable_bounce_protect: bool | None
    limit_emails_per_company_override: dict[str, Any] | None
    cc_list: list[str] | None
    bcc_list: list[str] | None
    organization: str | None
    owned_by: str | None
    created_by: str | None
    ai_sdr_id: str | None
    provider_routing_rules: list[dict[str, Any]] | None


class Account(TypedDict, total=False):
    """A sending account. Source: official document, ``Account``."""

    email: str
    timestamp_created: str | None
    timestamp_updated: str | None
    first_name: str | None
    last_name: str | None
    warmup: dict[str, Any] | None
    added_by: str | None
    daily_limit: int | None
    daily_limit_max: int | None
    warmup_limit_max: int | None
    modified_by: str | None
    tracking_domain_name: str | None
    tracking_domain_status: str | None
    status: int | None
    enable_slow_ramp: bool | None
    inbox_placement_test_limit: int | None
    organization: str | None
    warmup_status: int | None
    status_message: dict[str, Any] | None
    timestamp_warmup_start: str | None
    provider_code: int | None
    setup_pending: bool | None
    is_managed_account: bool | None
    stat_warmup_score: float | None
    sending_gap: float | None
    signature: str | None
    reply_to: str | None
    autofix_failed: bool | None
    tags: list[dict[str, Any]] | None


class Lead(TypedDict, total=False):
    """A lead; ``payload`` holds its custom variables. Source: official document, ``Lead``."""

    id: str
    timestamp_created: str | None
    timestamp_updated: str | None
    organization: str | None
    campaign: str | None
    status: int | None
    email: str | None
    personalization: str | None
    website: str | None
    last_name: str | None
    first_name: str | None
    company_name: str | None
    job_title: str | None
    phone: str | None
    email_open_count: int | None
    email_reply_count: int | None
    email_click_count: int | None
    company_domain: str | None
    status_summary: dict[str, Any] | None
    payload: dict[str, Any] | None
    status_summary_subseq: dict[str, Any] | None
    last_step_from: str | None
    last_step_id: str | None
    last_step_timestamp_executed: str | None
    email_opened_step: int | None
    email_opened_variant: int | None
    email_replied_step: int | None
    email_replied_variant: int | None
    email_clicked_step: int | None
    email_clicked_variant: int | None
    lt_interest_status: int | None
    subsequence_id: str | None
    verification_status: int | None
    pl_value_lead: str | None
    timestamp_added_subsequence: str | None
    timestamp_last_contact: str | None
    timestamp_last_open: str | None
    timestamp_last_reply: str | None
    timestamp_last_interest_change: str | None
    timestamp_last_click: str | None
    enrichment_status: int | None
    list_id: str | None
    last_contacted_from: str | None
    uploaded_by_user: str | None
    upload_method: str | None
    assigned_to: str | None
    is_website_visitor: bool | None
    timestamp_last_touch: str | None
    esp_code: int | None
    esg_code: int | None


class LeadList(TypedDict, total=False):
    """A list of leads. Source: official document, ``LeadList``."""

    id: str
    organization_id: str | None
    has_enrichment_task: bool | None
    owned_by: str | None
    name: str | None
    timestamp_created: str | None


class CampaignAnalytics(TypedDict, total=False):
    """Totals of a campaign. Source: official document, ``getCampaignAnalytics``."""

    campaign_name: str | None
    campaign_id: str
    campaign_status: int | None
    campaign_is_evergreen: bool | None
    leads_count: int | None
    contacted_count: int | None
    emails_sent_count: int | None
    new_leads_contacted_count: int | None
    open_count: int | None
    open_count_unique: int | None
    open_count_unique_by_step: int | None
    reply_count: int | None
    reply_count_unique: int | None
    reply_count_unique_by_step: int | None
    reply_count_automatic: int | None
    reply_count_automatic_unique: int | None
    reply_count_automatic_unique_by_step: int | None
    link_click_count: int | None
    link_click_count_unique: int | None
    link_click_count_unique_by_step: int | None
    bounced_count: int | None
    unsubscribed_count: int | None
    completed_count: int | None
    total_opportunities: int | None
    total_opportunity_value: float | None


class WorkspaceDetails(TypedDict, total=False):
    """The workspace of a key, as far as this package reads it. Source: official document, ``Workspace``."""

    id: str
    name: str
    owner: str
    timestamp_created: str
    timestamp_updated: str
