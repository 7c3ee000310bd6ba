"""The workspace, who belongs to it, what it pays for, and how it is organised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_instantly.streams.parents import DFY_DOMAIN
from tap_instantly.streams.patterns import ArrayStream, ListStream, ObjectStream, PerParent
from tap_instantly.streams.records import WORKSPACE_NAME

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context

    from tap_instantly.streams.records import Record


class Workspaces(ObjectStream):
    """The workspace that the API key belongs to.

    Source: official document, ``getWorkspace``.
    """

    name = "workspaces"
    scope = "workspaces"
    path = "/workspaces/current"
    primary_keys = ("id",)


class WorkspaceMembers(ListStream):
    """People with access to the workspace.

    Source: official document, ``listWorkspaceMember``.
    """

    name = "workspace_members"
    scope = "workspace_members"
    path = "/workspace-members"
    primary_keys = ("id",)


class WorkspaceGroupMembers(ListStream):
    """Sub-workspaces that this workspace administers.

    Source: official document, ``listWorkspaceGroupMember``.
    """

    name = "workspace_group_members"
    scope = "workspace_group_members"
    path = "/workspace-group-members"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    why_off = "for agencies with a workspace group"


class WorkspaceGroupAdmin(ObjectStream):
    """The workspace that administers this one, where there is one.

    Source: official document, ``getAdminWorkspaceGroupMember``.
    """

    name = "workspace_group_admin"
    path = "/workspace-group-members/admin"
    primary_keys = ("workspace_id",)
    why_off = "for agencies with a workspace group"

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        if WORKSPACE_NAME in row:  # of the other one, in the column that says whose the record is
            row["admin_workspace_name"] = row.pop(WORKSPACE_NAME)
        return super().post_process(row, context)


class WorkspaceWhitelabelDomain(ObjectStream):
    """Domain of the white-label agency mode.

    Source: official document, ``getWorkspaceDomainInfo``.
    """

    name = "workspace_whitelabel_domain"
    scope = "workspaces"
    path = "/workspaces/current/whitelabel-domain"
    primary_keys = ("workspace_id",)
    why_off = "for agencies with a domain of their own"


class WorkspaceBillingPlan(ObjectStream):
    """Plans of the workspace with their limits and what is used of them.

    Source: official document, ``getWorkspacePlanDetails``.
    """

    name = "workspace_billing_plan"
    scope = "workspace_billing"
    path = "/workspace-billing/plan-details"
    primary_keys = ("workspace_id",)
    why_off = "billing, of interest to few"


class WorkspaceBillingSubscriptions(ObjectStream):
    """Subscriptions that the workspace pays for.

    Source: official document, ``getWorkspaceSubscriptionDetails``.
    """

    name = "workspace_billing_subscriptions"
    scope = "workspace_billing"
    path = "/workspace-billing/subscription-details"
    primary_keys = ("workspace_id", "product_id")
    records_at = "subscriptions"
    why_off = "billing, of interest to few"


class ApiKeys(ListStream):
    """API keys of the workspace: their names and scopes. The keys themselves are left out.

    Source: official document, ``listAPIKey``.
    """

    name = "api_keys"
    scope = "api_keys"
    path = "/api-keys"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
    left_out = ("key",)
    why_off = "configuration, not reporting"


class CustomTags(ListStream):
    """Tags for accounts and campaigns.

    Source: official document, ``listCustomTag``.
    """

    name = "custom_tags"
    scope = "custom_tags"
    path = "/custom-tags"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class CustomTagMappings(ListStream):
    """Which account, campaign or workspace carries which tag, those of deleted accounts included.

    ``resource_type`` is 1 for accounts, with the address as ``resource_id``, 2 for campaigns and 3 for workspaces
    (recorded, and in the official document since September 2026; before, its text said the reverse). Cheaper: ``tags``
    of the accounts and ``email_tag_list`` of the campaigns.
    Source: official document, ``listCustomTagMapping``.
    """

    name = "custom_tag_mappings"
    scope = "custom_tag_mappings"
    path = "/custom-tag-mappings"
    primary_keys = ("id",)
    why_off = "unbounded: one workspace had 9 million"


class DfyOrders(ListStream):
    """Done-for-you orders of domains and accounts.

    Source: official document, ``listDFYEmailAccountOrder``.
    """

    name = "dfy_orders"
    scope = "dfy_email_account_orders"
    path = "/dfy-email-account-orders"
    primary_keys = ("workspace_id", "domain")
    why_off = "for buyers of done-for-you accounts"


class DfyAccounts(ListStream):
    """Accounts of done-for-you orders; their passwords are never asked for.

    Source: official document, ``listDFYEmailAccountOrdersAccounts``.
    """

    name = "dfy_accounts"
    scope = "dfy_email_account_orders"
    path = "/dfy-email-account-orders/accounts"
    primary_keys = ("id",)
    left_out = ("password",)
    why_off = "for buyers of done-for-you accounts"


class DfyDomainForwarding(PerParent, ObjectStream):
    """Where the domains of done-for-you orders forward to.

    Source: official document, ``getDomainForwarding``.
    """

    name = "dfy_domain_forwarding"
    scope = "dfy_email_account_orders"
    path = "/domains/{domain}/forwarding"
    parent = DFY_DOMAIN
    primary_keys = ("workspace_id", "domain")
    why_off = "for buyers of done-for-you accounts"


class CrmPhoneNumbers(ArrayStream):
    """Phone numbers of the CRM.

    Source: official document, ``listPhoneNumbers``.
    """

    name = "crm_phone_numbers"
    scope = "crm_actions"
    path = "/crm-actions/phone-numbers"
    primary_keys = ("id",)
    why_off = "of interest to few"
