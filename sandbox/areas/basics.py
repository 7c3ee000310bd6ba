"""The workspace, campaigns, accounts, leads and lead lists, and the campaigns' analytics."""

from __future__ import annotations

from sandbox import api_analytics, api_leads, api_lists
from sandbox.area import Area, Operation
from sandbox.entities import ACTIVE, PAUSED
from sandbox.listings import ACCOUNTS, CAMPAIGNS, LEAD_LISTS

AREA = Area(
    operations=(
        Operation("POST", "/leads/list", api_leads.list_leads, "leads:read"),
        Operation("GET", "/workspaces/current", api_lists.get_workspace, "workspaces:read"),
        Operation("GET", "/campaigns/analytics", api_analytics.get_campaigns),
        Operation("GET", "/campaigns/analytics/overview", api_analytics.get_overview),
        Operation("GET", "/campaigns/analytics/daily", api_analytics.get_daily),
        Operation("GET", "/campaigns/analytics/steps", api_analytics.get_steps),
        Operation("GET", "/campaigns", api_lists.get_list(CAMPAIGNS), "campaigns:read"),
        Operation("POST", "/campaigns", api_lists.post_campaign, "campaigns:create"),
        Operation("GET", "/campaigns/{key}", api_lists.get_one("campaigns"), "campaigns:read"),
        Operation("POST", "/campaigns/{key}/activate", api_lists.post_status(ACTIVE), "campaigns:update"),
        Operation("POST", "/campaigns/{key}/pause", api_lists.post_status(PAUSED), "campaigns:update"),
        Operation("GET", "/accounts", api_lists.get_list(ACCOUNTS), "accounts:read"),
        Operation("GET", "/accounts/{key}", api_lists.get_accounts_detail(), "accounts:read"),
        Operation("POST", "/leads", api_leads.post_lead, "leads:create"),
        Operation("POST", "/leads/add", api_leads.post_leads, "leads:create"),
        Operation("GET", "/leads/{key}", api_leads.get_lead, "leads:read"),
        Operation("GET", "/lead-lists", api_lists.get_list(LEAD_LISTS), "lead_lists:read"),
        Operation("GET", "/lead-lists/{key}", api_lists.get_one("lead_lists"), "lead_lists:read"),
    )
)
