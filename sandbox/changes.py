"""The mutations the control plane offers, by name."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from sandbox import mutations
from sandbox.answers import ApiError
from sandbox.area import known
from sandbox.areas import CHANGES
from sandbox.group import MAIN
from sandbox.mailbox import receive
from sandbox.mutations import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.paging import Row
    from sandbox.state import State
    from sandbox.world import World


def _event(kind: str) -> Callable[..., Row]:
    def run(world: World, lead_id: str, at: str | None = None, *, automatic: bool = False) -> Row:
        lead = mutations.lead_event(world, kind, lead_id, instant(at), automatic=automatic)
        if lead is None:
            raise ApiError(404, "No such lead")
        changed: Row = {"lead": lead}
        if kind == "reply":
            rng, moment = world.rng(f"email:{world.mutations}"), world.moment(instant(at))
            changed["email"] = receive(world, lead, moment, rng, automatic=automatic)
        return changed

    return run


def _add_leads(
    world: World, count: int = 1, campaign: str | None = None, list_id: str | None = None, at: str | None = None
) -> Row:
    if campaign is not None:
        known(world.campaigns, campaign)
    if list_id is not None:
        known(world.lead_lists, list_id)
    return {"leads": mutations.add_leads(world, count, campaign, list_id, instant(at))}


def _delete_leads(world: World, ids: list[str], at: str | None = None) -> Row:
    return {"ids": mutations.delete_leads(world, ids, instant(at))}


def _add_campaign(world: World, name: str = "Made up on the spot", at: str | None = None) -> Row:
    return {"campaign": mutations.create_campaign(world, {"name": name, "campaign_schedule": {}}, instant(at))}


def _update_campaign(world: World, id: str, at: str | None = None, **fields: Any) -> Row:  # noqa: A002 - the API's name for it
    return {"campaign": mutations.set_campaign(world, known(world.campaigns, id), fields, instant(at))}


def _delete_campaign(world: World, id: str, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    return {"campaign": mutations.delete_campaign(world, known(world.campaigns, id), instant(at))}


def _send(world: World, id: str, count: int = 1, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    return mutations.send_mails(world, known(world.campaigns, id), count, instant(at))


def _add_account(world: World, email: str | None = None, at: str | None = None) -> Row:
    return {"account": mutations.add_account(world, email, instant(at))}


def _pause_account(world: World, email: str, at: str | None = None) -> Row:
    return {"account": mutations.pause_account(world, known(world.accounts, email), instant(at))}


def _delete_account(world: World, email: str, at: str | None = None) -> Row:
    return {"account": mutations.delete_account(world, known(world.accounts, email), instant(at))}


def _add_lead_list(world: World, name: str | None = None, at: str | None = None) -> Row:
    return {"lead_list": mutations.add_lead_list(world, name, instant(at))}


OPERATIONS: dict[str, Callable[..., Row]] = {
    "open": _event("open"),
    "click": _event("click"),
    "reply": _event("reply"),
    "add_leads": _add_leads,
    "delete_leads": _delete_leads,
    "add_campaign": _add_campaign,
    "update_campaign": _update_campaign,
    "delete_campaign": _delete_campaign,
    "send": _send,
    "add_account": _add_account,
    "pause_account": _pause_account,
    "delete_account": _delete_account,
    "add_lead_list": _add_lead_list,
    "add_field": mutations.add_field,
    **CHANGES,
}


def change(state: State, order: dict[str, Any]) -> Row:
    """Carry out one mutation and tell what changed."""
    order = dict(order)
    name, workspace = str(order.pop("op", "")), state.workspaces.get(str(order.pop("workspace", MAIN)))
    operation = OPERATIONS.get(name)
    if operation is None or workspace is None:
        raise ApiError(400, f"Unknown mutation or workspace; there are {', '.join(sorted(OPERATIONS))}")
    world = workspace.world
    try:
        signature(operation).bind(world, **order)
        return operation(world, **order)
    except (TypeError, ValueError) as error:
        raise ApiError(400, f"{name}: {error}") from None
