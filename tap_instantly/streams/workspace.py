"""Streams of the workspace: members, billing, API keys, tags and orders."""

from __future__ import annotations

from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import DFY_DOMAIN
from tap_instantly.streams.readers import Array, CursorList, OneObject
from tap_instantly.streams.slicers import Parents


class CurrentWorkspace(InstantlyStream):
    """Workspace of the API key."""

    name = "workspaces"
    scope = "workspaces"
    path = "/workspaces/current"
    records = OneObject()
    primary_keys = ("id",)


class WorkspaceMembers(InstantlyStream):
    """People with access to the workspace."""

    name = "workspace_members"
    scope = "workspace_members"
    path = "/workspace-members"
    records = CursorList()
    primary_keys = ("id",)


class WorkspaceGroupMembers(InstantlyStream):
    """Sub-workspaces administered by this workspace."""

    name = "workspace_group_members"
    scope = "workspace_group_members"
    path = "/workspace-group-members"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_deselected = "for agencies with a workspace group"


class WorkspaceGroupAdmin(InstantlyStream):
    """Workspace that administers this one, if any."""

    name = "workspace_group_admin"
    path = "/workspace-group-members/admin"
    records = OneObject(renamed={"workspace_name": "admin_workspace_name"})  # it names the admin workspace
    primary_keys = ("workspace_id",)
    why_deselected = "for agencies with a workspace group"


class WorkspaceWhitelabelDomain(InstantlyStream):
    """Domain of the white-label agency mode."""

    name = "workspace_whitelabel_domain"
    scope = "workspaces"
    path = "/workspaces/current/whitelabel-domain"
    records = OneObject()
    primary_keys = ("workspace_id",)
    why_deselected = "for agencies with their own domain"


class WorkspaceBillingPlan(InstantlyStream):
    """Plans of the workspace with their limits and usage."""

    name = "workspace_billing_plan"
    scope = "workspace_billing"
    path = "/workspace-billing/plan-details"
    records = OneObject()
    primary_keys = ("workspace_id",)
    why_deselected = "billing, rarely needed"


class WorkspaceBillingSubscriptions(InstantlyStream):
    """Subscriptions that the workspace pays for."""

    name = "workspace_billing_subscriptions"
    scope = "workspace_billing"
    path = "/workspace-billing/subscription-details"
    records = OneObject("subscriptions")
    primary_keys = ("workspace_id", "product_id")
    why_deselected = "billing, rarely needed"


class ApiKeys(InstantlyStream):
    """API keys of the workspace: names and scopes, without the keys themselves."""

    name = "api_keys"
    scope = "api_keys"
    path = "/api-keys"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    excluded = ("key",)
    why_deselected = "configuration, not reporting"


class CustomTags(InstantlyStream):
    """Tags for accounts and campaigns."""

    name = "custom_tags"
    scope = "custom_tags"
    path = "/custom-tags"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class CustomTagMappings(InstantlyStream):
    """Tags of accounts, campaigns and workspaces, including those of deleted accounts.

    ``resource_type`` is 1 for accounts, with the address as ``resource_id``, 2 for campaigns and 3 for workspaces.
    This was recorded, and is in the official document since September 2026; before, its text said the reverse. Fewer
    requests: ``tags`` of ``accounts`` and ``email_tag_list`` of ``campaigns``.
    """

    name = "custom_tag_mappings"
    scope = "custom_tag_mappings"
    path = "/custom-tag-mappings"
    records = CursorList()
    primary_keys = ("id",)
    why_deselected = "unbounded: one workspace had 9 million"


class DfyOrders(InstantlyStream):
    """Done-for-you orders of domains and accounts."""

    name = "dfy_orders"
    scope = "dfy_email_account_orders"
    path = "/dfy-email-account-orders"
    records = CursorList()
    primary_keys = ("workspace_id", "domain")
    why_deselected = "for buyers of done-for-you accounts"


class DfyAccounts(InstantlyStream):
    """Accounts of done-for-you orders; the tap never requests their passwords."""

    name = "dfy_accounts"
    scope = "dfy_email_account_orders"
    path = "/dfy-email-account-orders/accounts"
    records = CursorList()
    primary_keys = ("id",)
    excluded = ("password",)
    why_deselected = "for buyers of done-for-you accounts"


class DfyDomainForwarding(InstantlyStream):
    """Forwarding targets of the domains of done-for-you orders."""

    name = "dfy_domain_forwarding"
    scope = "dfy_email_account_orders"
    path = "/domains/{domain}/forwarding"
    slicer = Parents(DFY_DOMAIN)
    records = OneObject()
    primary_keys = ("workspace_id", "domain")
    why_deselected = "for buyers of done-for-you accounts"


class CrmPhoneNumbers(InstantlyStream):
    """Phone numbers of the CRM."""

    name = "crm_phone_numbers"
    scope = "crm_actions"
    path = "/crm-actions/phone-numbers"
    records = Array()
    primary_keys = ("id",)
    why_deselected = "rarely needed"
