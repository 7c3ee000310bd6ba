"""Many workspaces in one sandbox: each has its own data, and the first one acts in the others."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from sandbox import ApiKey, ControlError, SandboxConfig, serve
from sandbox.areas import API
from sandbox.truth import RESOURCES
from tests.sandbox.whole import everything, started

AT = "2026-07-02T10:00:00.000Z"
CAMPAIGNS = "/api/v2/campaigns"
SECOND, DEAD, PENDING, FIFTH, REJECTED = (f"workspace-{number:03d}" for number in range(2, 7))
SUBS = (SECOND, DEAD, PENDING, FIFTH, REJECTED)
SIZES = {"workspaces": 6, "campaigns": 5, "accounts": 6, "leads": 80, "lead_lists": 2, "emails": 40, "days": 30}
CONFIG = SandboxConfig(
    **SIZES,
    until="2026-06-30",
    keys=(
        ApiKey("default"),
        ApiKey("campaigns-only", ("campaigns:read",)),
        ApiKey("unpaid", paid=False),
        ApiKey("dead", paid=False, workspace=DEAD),
        ApiKey("reader-005", ("all:read",), workspace=FIFTH),
        ApiKey("client", workspace="client"),
    ),
)
# Ids of event types are names; rules are numbered per agent.
NOT_UNIQUE = {"webhook_event_types", "ai_sales_agent_guidance_rules"}


@pytest.fixture(scope="module")
def running():
    with serve(CONFIG) as server:
        yield server


@pytest.fixture
def enter(make_api, organizations):
    """Create a client whose key acts in another workspace."""

    def make(workspace: str, key: str = "default"):
        api = make_api(key)
        api.session.headers["x-as-workspace"] = organizations.get(workspace, workspace)
        return api

    return make


@pytest.fixture(scope="module")
def organizations(running):
    return {name: next(running.control.within(name).truth("workspace"))["id"] for name in ("main", "client", *SUBS)}


def made(server) -> list[str]:
    return [workspace["name"] for workspace in server.control.about()["workspaces"] if workspace["made"]]


def test_workspaces_share_no_records(control):
    def ids(name):
        one = control.within(name)
        return {(resource, row["id"]) for resource in RESOURCES for row in one.truth(resource) if "id" in row}

    found = {name: {key for key in ids(name) if key[0] not in NOT_UNIQUE} for name in ("main", "client", *SUBS)}
    assert all(found.values())
    assert not [pair for pair in combinations(found, 2) if found[pair[0]] & found[pair[1]]]


def test_each_workspace_has_the_sizes_asked_for(control):
    for name in SUBS:
        one = control.within(name)
        sizes = [len(list(one.truth(resource))) for resource in ("campaigns", "accounts", "leads", "lead_lists")]
        assert sizes == [5, 6, 80, 2]


def test_a_workspace_does_not_depend_on_how_many_there_are():
    fewer, more = replace(CONFIG, workspaces=2), replace(CONFIG, workspaces=60)
    assert everything(fewer, SECOND) == everything(more, SECOND)


def test_first_workspace_is_the_same_alone_except_for_its_group():
    alone, first = everything(replace(CONFIG, workspaces=1), "main"), everything(CONFIG, "main")
    assert {resource for resource in RESOURCES if alone[resource] != first[resource]} == {"workspace_group_members"}


def test_workspaces_are_created_by_the_first_request_that_is_not_refused(make_api):
    with serve(replace(CONFIG, workspaces=200)) as server:
        assert len(server.control.about()["workspaces"]) == 201
        assert len(list(server.control.truth("workspace_group_members"))) == 199
        for key, status in (("dead", 402), ("workspace-117", 200)):
            assert made(server) == ["main"]
            api = make_api(key)
            api.base = f"{server.url}/api/v2"
            assert api.get("/campaigns").status_code == status
        assert made(server) == ["main", "workspace-117"]


@pytest.mark.parametrize(
    ("key", "workspace"),
    [
        ("default", "main"),
        *((name, name) for name in SUBS if name != DEAD),
        ("reader-005", FIFTH),
        ("client", "client"),
    ],
)
def test_a_key_opens_its_workspace_and_no_other(make_api, control, organizations, key, workspace):
    api, truth = make_api(key), control.within(workspace).truth
    assert api.get("/workspaces/current").json()["id"] == organizations[workspace]
    assert api.walk("/campaigns") == list(truth("campaigns"))
    assert api.walk("/leads/list") == list(truth("leads"))


@pytest.mark.parametrize("key", ["workspace-001", "workspace-007", "no-such-key"])
def test_unknown_key_is_401(make_api, key):
    assert make_api(key).get("/campaigns").status_code == 401


@pytest.mark.parametrize("key", ["dead", DEAD])
def test_where_all_keys_are_unpaid_nobody_has_a_plan(make_api, enter, key):
    assert [api.get("/campaigns").status_code for api in (make_api(key), enter(DEAD))] == [402, 402]
    assert make_api(SECOND).get("/campaigns").status_code == 200


def test_the_admin_key_acts_in_a_member_on_all_endpoints(make_api, enter):
    own, entered = make_api(SECOND), enter(SECOND)
    paths = [endpoint.path for endpoint in API.endpoints if endpoint.method == "GET" and "{" not in endpoint.path]
    answers = {path: (own.get(path), entered.get(path)) for path in paths}
    assert [path for path, (one, other) in answers.items() if one.content != other.content] == []
    assert {one.status_code for one, _ in answers.values()} == {200, 400}
    assert own.walk("/leads/list") == entered.walk("/leads/list")


def test_the_admin_key_writes_in_a_member(make_api, enter, control):
    before = list(control.truth("campaigns"))
    created = enter(SECOND).post("/campaigns", {"name": "From above", "campaign_schedule": {}}).json()
    assert make_api(SECOND).get(f"/campaigns/{created['id']}").json() == created
    assert make_api().get(f"/campaigns/{created['id']}").status_code == 404
    assert list(control.truth("campaigns")) == before


@pytest.mark.parametrize(
    ("key", "workspace"),
    [
        *(
            ("default", place)
            for place in (PENDING, REJECTED, "main", "client", "00000000-0000-4000-8000-000000000000", "")
        ),
        *((SECOND, FIFTH), (SECOND, SECOND), ("client", SECOND)),
    ],
)
def test_acting_in_a_workspace_without_admin_membership_is_403(enter, key, workspace):
    answer = enter(workspace, key).get("/campaigns")
    message = "API key may not act in the workspace named by x-as-workspace"
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/json; charset=utf-8")
    assert answer.json() == {"statusCode": 403, "error": "Forbidden", "message": message}


def test_door_checks_key_then_workspace_then_plan(enter):
    assert enter(PENDING, "no-such-key").get("/campaigns").status_code == 401
    assert enter(PENDING, "unpaid").get("/campaigns").status_code == 403
    assert enter(SECOND, "unpaid").get("/campaigns").status_code == 402


def test_the_scopes_of_the_admin_key_count_in_a_member(enter):
    narrow = enter(SECOND, "campaigns-only")
    assert narrow.get("/campaigns").status_code == 200
    assert narrow.get("/accounts").status_code == 401


def test_the_admin_lists_its_members(api, organizations):
    members = {row["sub_workspace_id"]: row for row in api.walk("/workspace-group-members", limit=2)}
    statuses = [members[organizations[name]]["status"] for name in SUBS]
    assert statuses == ["accepted", "accepted", "pending", "accepted", "rejected"]
    assert len(members) == len(SUBS)
    assert {row["admin_workspace_id"] for row in members.values()} == {organizations["main"]}
    row = members[organizations[SECOND]]
    assert api.get(f"/workspace-group-members/{row['id']}").json() == row


def test_member_has_the_name_that_its_admin_gives_it(api, make_api):
    rows = [row for row in api.walk("/workspace-group-members") if "sub_workspace_name" in row]
    names = {row["sub_workspace_id"]: row["sub_workspace_name"] for row in rows}
    details = [make_api(name).get("/workspaces/current").json() for name in (SECOND, PENDING, FIFTH)]
    assert {detail["id"]: detail["name"] for detail in details}.items() <= names.items()


def test_member_knows_its_admin_and_has_no_members(api, make_api, organizations):
    memberships = {row["sub_workspace_id"]: row for row in api.walk("/workspace-group-members")}
    member = make_api(SECOND)
    assert member.get("/workspace-group-members/admin").json() == {
        "workspace_name": api.get("/workspaces/current").json()["name"],
        "has_admin_workspace": True,
        "workspace_group_member_id": memberships[organizations[SECOND]]["id"],
    }
    assert member.walk("/workspace-group-members") == []


@pytest.mark.parametrize("key", ["default", PENDING, REJECTED])
def test_admin_and_pending_workspaces_have_no_admin(make_api, key):
    answer = make_api(key).get("/workspace-group-members/admin").json()
    assert (answer["has_admin_workspace"], "workspace_group_member_id" in answer) == (False, False)


def test_single_workspace_lists_members_that_cannot_be_entered(make_api):
    with serve(replace(CONFIG, workspaces=1, keys=(ApiKey("default"),))) as server:
        api = make_api()
        api.base = f"{server.url}/api/v2"
        members = api.walk("/workspace-group-members")
        assert "accepted" in {row["status"] for row in members}
        for row in members:
            api.session.headers["x-as-workspace"] = row["sub_workspace_id"]
            assert api.get("/campaigns").status_code == 403


def test_changes_stay_in_their_workspace(control):
    second = control.within(SECOND)
    before = {name: list(control.within(name).truth("leads")) for name in ("main", SECOND, FIFTH)}
    added = second.add_leads(2, at=AT)
    second.delete_leads(before[SECOND][0]["id"])
    control.mutate("add_field", workspace=FIFTH, resource="campaigns", name="brand_new", value=1)
    assert list(control.truth("leads")) == before["main"]
    assert {row["id"] for row in second.truth("leads")} == {row["id"] for row in before[SECOND][1:] + added}
    assert all("brand_new" in row for row in control.within(FIFTH).truth("campaigns"))
    assert not any("brand_new" in row for row in second.truth("campaigns"))
    control.reset()
    assert list(second.truth("leads")) == before[SECOND]


def test_rate_limit_of_a_workspace_is_shared_by_all_its_keys(make_api, enter, control):
    control.config(rate_limit=True, per_second=1000, per_minute=3)
    ways = (make_api(FIFTH), make_api("reader-005"), enter(FIFTH))
    assert [way.get("/campaigns").status_code for way in ways] == [200] * 3
    for answer in [way.get("/campaigns") for way in ways]:
        assert answer.status_code == 429
        assert answer.json() == {"statusCode": 429, "error": "Too Many Requests", "message": "Rate limit exceeded"}
        assert "retry-after" not in answer.headers
    others = (make_api(), make_api(SECOND), enter(SECOND))
    assert [other.get("/campaigns").status_code for other in others] == [200] * 3


def test_rate_limit_can_be_set_for_one_workspace(make_api, control):
    control.within(SECOND).config(rate_limit=True, per_minute=1)
    second, main = make_api(SECOND), make_api()
    assert [second.get("/campaigns").status_code for _ in range(2)] == [200, 429]
    assert [main.get("/campaigns").status_code for _ in range(2)] == [200, 200]


def test_emails_of_each_workspace_have_their_own_rate_limit(make_api, enter, control):
    control.config(rate_limit=True, emails_per_minute=2)
    ways = (make_api(SECOND), enter(SECOND), make_api(SECOND))
    assert [way.get("/emails", limit=1).status_code for way in ways] == [200, 200, 429]
    assert ways[0].get("/emails/unread/count").status_code == 200
    assert make_api().get("/emails", limit=1).status_code == 200


def test_a_fault_can_hit_one_workspace_only(make_api, enter, control):
    control.within(SECOND).fault("/api/v2/*", "status", status=429, count=None)
    hit, spared = (make_api(SECOND), enter(SECOND)), (make_api(), make_api(FIFTH), enter(FIFTH))
    assert [way.get("/campaigns").status_code for way in hit] == [429] * 2
    assert [way.get("/campaigns").status_code for way in spared] == [200] * 3
    assert [(fault["workspace"], fault["hits"]) for fault in control.faults()] == [(SECOND, 2)]


def test_a_fault_that_names_no_workspace_hits_all(make_api, control):
    control.fault("/api/v2/*", "status", status=503, count=None)
    assert [make_api(key).get("/campaigns").status_code for key in ("default", SECOND, "no-such-key")] == [503] * 3


def test_settings_apply_to_one_workspace_or_to_all_until_a_reset(make_api, enter, control):
    apis = (make_api(), make_api(SECOND), enter(SECOND), make_api(FIFTH))

    def statuses():
        return [api.get("/campaigns").status_code for api in apis]

    assert control.within(SECOND).config(paid=False)["paid"] is False
    assert statuses() == [200, 402, 402, 200]
    control.config(paid=False)
    control.within(FIFTH).config(paid=True)
    assert statuses() == [402, 402, 402, 200]
    control.within(DEAD).config(paid=True)
    control.reset()
    assert statuses() == [200] * 4
    assert make_api(DEAD).get("/campaigns").status_code == 402


def test_request_log_names_the_workspace(make_api, enter, control):
    control.within(FIFTH).fault(CAMPAIGNS, "status", status=500)
    for api in (make_api(SECOND), enter(SECOND), enter(PENDING), make_api("no-such-key"), make_api(FIFTH)):
        api.get("/campaigns")
    seen = [(entry["key"], entry["workspace"], entry["status"]) for entry in control.requests()]
    assert seen[:2] == [(SECOND, SECOND, 200), ("default", SECOND, 200)]
    assert seen[2:] == [("default", None, 403), (None, None, 401), (FIFTH, FIFTH, 500)]
    assert [entry["key"] for entry in control.within(SECOND).requests(CAMPAIGNS)] == [SECOND, "default"]


def test_requests_are_counted_exactly_and_by_workspace(make_api, enter, control):
    second, entered, main = make_api(SECOND), enter(SECOND), make_api()
    for api in (second, entered, entered, main):
        api.get("/campaigns")
    second.post("/leads/list", {})
    paths = {"/api/v2/campaigns": 3, "/api/v2/leads/list": 1}
    operations = {"GET /api/v2/campaigns": 3, "POST /api/v2/leads/list": 1}
    sums = {"total": 4, "too_many": 0, "most_in_flight": 1}
    assert control.within(SECOND).counts() == {**sums, "paths": paths, "operations": operations}
    assert control.within(FIFTH).counts()["total"] == 0
    assert control.counts()["total"] == 5
    control.clear_requests()
    assert (control.counts()["total"], control.requests()) == (0, [])


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: one.fault(CAMPAIGNS, "status"),
        lambda one: one.config(paid=False),
        lambda one: one.add_leads(),
        lambda one: list(one.truth("leads")),
    ],
    ids=["fault", "settings", "change", "truth"],
)
def test_missing_workspace_is_refused(control, ask):
    with pytest.raises(ControlError, match=r"40[04]"):
        ask(control.within("workspace-007"))
    assert control.faults() == []


def test_the_command_line_announces_the_keys_of_all_workspaces():
    with started("--leads", "10", "--workspaces", "200") as process:
        announced = [process.stdout.readline() for _ in range(3)]
    assert announced[1] == "sandbox: API key sandbox-key-default\n"
    assert announced[2].endswith(" sandbox-key-workspace-002 to sandbox-key-workspace-200\n")
