"""What the workspace pays for, as the billing endpoints tell it; they, unlike the rest, spell nulls out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.clock import DAY_MS

if TYPE_CHECKING:
    from sandbox.paging import Row
    from sandbox.world import World

LEAD_LIMIT = 125_000
ADDON_LEADS = 25_000
NO_PLAN = {
    **dict.fromkeys(("plan_name", "interval", "current_period_end", "cancel_at_time", "price_in_dollars")),
    **dict.fromkeys(("product_id", "available_credits", "plan_limit")),
}


def _period_end(world: World) -> int:
    return (world.until + 17) * DAY_MS // 1000


def _plan(world: World, name: str, product: str, price: float) -> Row:
    return {
        "plan_name": name,
        "interval": "month",
        "current_period_end": _period_end(world),
        "cancel_at_time": None,
        "price_in_dollars": price,
        "product_id": product,
    }


def plan_details(world: World) -> Row:
    """Describe every plan of the workspace, and the add-ons it could have."""
    leads = sum(world.leads.count(campaign) for campaign in world.campaigns)
    outreach = {
        **_plan(world, "Hypergrowth", "pid_hg_v1", 97),
        "addons_qty": 1,
        "total_lead_limit": LEAD_LIMIT + ADDON_LEADS,
        "current_lead_count": leads,
        "base_lead_limit": LEAD_LIMIT,
    }
    credit = {
        **_plan(world, "Growth Credits", "pid_gic_v1", 47),
        "total_credits": 2000,
        "available_credits": 1385.5,
        "price_option_id": "growth_2000",
    }
    bundle = {
        **dict.fromkeys(("plan_name", "interval", "current_period_end", "cancel_at_time", "price_in_dollars")),
        "product_id": None,
        "total_lead_limit": LEAD_LIMIT,
        "current_lead_count": leads,
        "base_lead_limit": LEAD_LIMIT,
    }
    visitors = {**_plan(world, "Hyper Visitors", "pid_hv_v1", 97), "available_credits": 280, "plan_limit": 500}
    placement = {**_plan(world, "Growth Inbox Placement", "pid_ip_g", 47), "available_credits": None}
    return {
        "organization_id": world.organization,
        "organization_name": world.workspace["name"],
        "subscriptions": {
            "outreach": outreach,
            "credits": credit,
            "bundle": bundle,
            "crm": NO_PLAN,
            "website_visitors": visitors,
            "inbox_placement": {**placement, "plan_limit": None},
        },
        "addons": {"outreach": _outreach_addon(), "credits": _credits_addon()},
    }


def _outreach_addon() -> Row:
    return {
        "product_id": "pid_addon_25kl_v1",
        "unit_lead_limit": ADDON_LEADS,
        "existing_quantity": 1,
        "max_quantity": 20,
        "interval": "month",
        "can_purchase": True,
        "purchase_blocked_reason": None,
        "annual_discount_percent": 20,
        "monthly_pricing_tiers": [
            {"from_quantity": 1, "to_quantity": 5, "price_in_dollars": 87},
            {"from_quantity": 6, "to_quantity": None, "price_in_dollars": 79},
        ],
    }


def _credits_addon() -> Row:
    return {
        "product_id": "pid_addon_ic_50k_v1",
        "annual_product_id": "pid_addon_ic_50k_v1_annual",
        "unit_credits": 50_000,
        "annual_unit_credits": 600_000,
        "existing_quantity": 0,
        "max_quantity": 10,
        "interval": None,
        "can_purchase": False,
        "purchase_blocked_reason": "hyper_credits_plan_required",
        "monthly_price_in_dollars": 425,
        "annual_price_in_dollars": 5100,
    }


def subscription_details(world: World) -> Row:
    """List what is being paid."""
    paid = (
        ("pid_hg_v1", "prt_outreach", "plt_primary", 1, 97, None),
        ("pid_addon_25kl_v1", "prt_outreach", "plt_addon", 1, 87, _period_end(world)),
        ("pid_gic_v1", "prt_leadfinder", "plt_primary", 1, 47, None),
    )
    return {
        "subscriptions": [
            {
                "workspace_id": world.organization,
                "interval": "month",
                "quantity": quantity,
                "product_id": product,
                "product_type": kind,
                "plan_type": plan,
                "current_period_end": _period_end(world),
                "cancel_at_time": cancel,
                "price_in_dollars": price,
                "price_id": f"price_sandbox_{product}",
            }
            for product, kind, plan, quantity, price, cancel in paid
        ],
        "all_subs_cancelled": False,
    }
