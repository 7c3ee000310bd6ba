"""One admin key for a group of workspaces, keys by names of variables, and hundreds of workspaces."""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from sandbox.group import ACCEPTED
from tap_instantly import InstantlyAPIError
from tap_instantly.tap import TapInstantly
from tap_instantly.workspaces import OWN
from tests.conftest import UNTIL
from tests.support import TapRun, api_keys, catalog_of, opening, refusal, run_tap, secret, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NUMBER = 8
STREAMS = ("workspaces", "campaigns", "leads", "campaign_analytics_daily")


@pytest.fixture(scope="module")
def agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=NUMBER, campaigns=2, accounts=3, leads=30, days=10, until=UNTIL, seed=9)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: sandbox.Server) -> None:
    agency.control.reset()


def settings(agency: sandbox.Server, **more: Any) -> dict[str, Any]:
    return {"api_url": f"{agency.url}/api/v2", **more}


def by_admin(agency: sandbox.Server, sub_workspaces: object = "all", *streams: str, **more: Any) -> TapRun:
    """Run the tap with the key of the group's admin."""
    config = settings(agency, api_key=agency.api_key, sub_workspaces=sub_workspaces)
    return run_tap(config, streams=streams or ("leads",), **more)


def members(agency: sandbox.Server) -> list[dict[str, Any]]:
    return list(agency.control.truth("workspace_group_members"))


def joined(agency: sandbox.Server) -> dict[str, str]:
    """Return the names of members that have accepted, by id."""
    return {row["sub_workspace_id"]: row["sub_workspace_name"] for row in members(agency) if row["status"] == ACCEPTED}


def workspaces_of(run: TapRun, stream: str = "leads") -> Counter[tuple[str, str | None]]:
    return Counter((record["workspace_id"], record["workspace_name"]) for record in run.records(stream))


def own_id(agency: sandbox.Server) -> str:
    return next(agency.control.truth("campaigns"))["organization"]


# One key for a group


def test_admin_key_reads_its_workspace_and_all_joined_members(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run = by_admin(agency, "all", *STREAMS)
    expected = {own_id(agency): "Harbor & Loom", **joined(agency)}
    assert 2 < len(expected) < NUMBER
    for stream in STREAMS[1:]:
        assert {id_ for id_, _ in workspaces_of(run, stream)} == set(expected), stream
    assert set(workspaces_of(run, "workspaces")) == set(expected.items())
    assert set(workspaces_of(run).values()) == {30}
    assert f"{NUMBER - len(expected)} members of the workspace's group that have not accepted" in caplog.text


def test_sub_workspaces_reads_exactly_the_listed_ones(agency: sandbox.Server) -> None:
    wanted = dict(list(joined(agency).items())[:2])
    assert set(workspaces_of(by_admin(agency, list(wanted)))) == set(wanted.items())


def test_inaccessible_sub_workspace_is_skipped_and_logged(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    closed = next(row["sub_workspace_id"] for row in members(agency) if row["status"] != ACCEPTED)
    open_ = next(iter(joined(agency)))
    assert {id_ for id_, _ in workspaces_of(by_admin(agency, [closed, open_]))} == {open_}
    assert f"Workspace {closed} cannot be opened" in caplog.text


def test_admin_key_revoked_in_mid_run_leaves_all_workspaces_incomplete(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    agency.control.fault("/api/v2/*", "status", status=401, body={"message": "Invalid API key"}, after=12, count=None)
    run = by_admin(agency, "all", *STREAMS, incomplete=True)
    given_up = [message for message in caplog.messages if " abandoned for this run: " in message]
    assert len(given_up) == 1 + len(joined(agency))
    assert all("(access lost): Invalid API key" in message for message in given_up)
    assert " skipped in " not in caplog.text
    agency.control.clear_faults()
    again = by_admin(agency, "all", *STREAMS, state=run.state)
    assert set(workspaces_of(again)) | set(workspaces_of(run)) == {
        (own_id(agency), "Harbor & Loom"),
        *joined(agency).items(),
    }


def test_unreadable_group_ends_the_run_with_the_reason(agency: sandbox.Server) -> None:
    agency.control.fault("/api/v2/workspace-group-members", "status", status=403, body={"message": "no"}, count=None)
    with pytest.raises(InstantlyAPIError, match="workspace-group-members"):
        by_admin(agency)


def test_sub_workspace_with_unreadable_details_is_known_by_its_id(agency: sandbox.Server) -> None:
    wanted = next(iter(joined(agency)))
    agency.control.fault("/api/v2/workspaces/current", "status", status=403, body={"message": "no"}, count=None)
    for path in ("campaigns", "accounts", "lead-lists", "leads/list"):
        agency.control.fault(f"/api/v2/{path}", "status", status=403, body={"message": "no"}, count=1)
    assert set(workspaces_of(by_admin(agency, [wanted]))) == {(wanted, None)}


def test_each_sub_workspace_has_its_own_lasting_state(agency: sandbox.Server) -> None:
    first, second = list(joined(agency))[:2]

    def parts(state: dict[str, Any]) -> dict[str, Any]:
        return {part["context"]["workspace_id"]: part for part in state["bookmarks"]["leads"]["partitions"]}

    both = by_admin(agency, [first, second])
    alone = by_admin(agency, [second], state=both.state)
    assert parts(alone.state)[first] == parts(both.state)[first]
    again = by_admin(agency, [first, second], state=alone.state)
    assert max(workspaces_of(again).values()) < 30


def test_response_from_the_wrong_workspace_is_not_read(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    asked_for, other = list(joined(agency))[:2]
    ours = next(agency.control.truth("workspace"))
    agency.control.fault("/api/v2/workspaces/current", "status", status=200, body=ours, count=1)
    config = settings(agency, api_key=agency.api_key, sub_workspaces=[asked_for, other], concurrency=1)
    run = run_tap(config, streams=("leads",), incomplete=True)
    assert {id_ for id_, _ in workspaces_of(run)} == {other}
    assert f"Workspace {asked_for} cannot be opened" in caplog.text
    assert f"the response is from workspace {ours['id']}, not from {asked_for}" in caplog.text


def test_sub_workspace_may_have_the_name_used_for_the_keys_own(agency: sandbox.Server) -> None:
    rows = members(agency)
    named = [{**row, "sub_workspace_name": OWN} for row in rows]
    agency.control.fault("/api/v2/workspace-group-members", "status", status=200, body={"items": named}, count=1)
    assert {id_ for id_, _ in workspaces_of(by_admin(agency))} == {own_id(agency), *joined(agency)}


# Names


def test_single_key_records_have_the_workspace_name_of_the_api(agency: sandbox.Server) -> None:
    run = run_tap(settings(agency, api_key=agency.api_key), streams=("leads", "workspace_group_admin"))
    assert set(workspaces_of(run)) == {(own_id(agency), "Harbor & Loom")}


FAULTS = {
    "refused": (("leads",), "/leads/list", 403, ["leads skipped in workspace {}: ", "skipped=[{}: forbidden]"]),
    "failing": (("leads",), "/leads/list", 400, ["leads incomplete in workspace {} (", "incomplete=[{}: bad request]"]),
    "parents that are not found": (
        ("lead_list_verification_stats",),
        "/lead-lists/*/verification-stats",
        404,
        ["possibly_incomplete=[{}: ", "lead_list_verification_stats possibly incomplete in {}: "],
    ),
    "parents that are not found, where old records do not come again": (
        ("campaign_analytics_daily",),
        "/campaigns/analytics/daily",
        404,
        ["campaign_analytics_daily incomplete in workspace {} (", "incomplete=[{}: "],
    ),
    "given up": (
        ("campaigns", "custom_tags", "lead_lists"),
        "/*s",
        400,
        ["Workspace {} abandoned for this run: ", "workspace {} failed: "],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_log_names_a_faulty_workspace_by_name_without_id(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.INFO)
    streams, path, status, lines = FAULTS[fault]
    broken = agency.control.within("workspace-002")
    broken.fault(f"/api/v2{path}", "status", status=status, body={"message": "no"}, count=None)
    broken.fault("/api/v2/workspaces/current", "status", status=500, after=1, count=None)
    keys = {"Ours": agency.api_key, "Pine: Street, [Ltd]": secret("workspace-002")}
    run = run_tap(opening(agency, keys), streams=streams, incomplete=status == 400 or "old records" in fault)
    told = [message for message in caplog.messages if '"context"' not in message and "context:" not in message]
    for line in lines:
        assert any(line.format("Pine: Street, [Ltd]") in message for message in told), line
    # The SDK's own log lines contain the name of a context.
    assert next(broken.truth("workspace"))["id"] not in "\n".join([*told, str(run.error)])
    assert run.error is None or "Pine: Street, [Ltd]" in str(run.error)


def test_workspaces_with_the_same_name_are_logged_with_ids(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("workspace-002", "workspace-003", "workspace-005")
    *alike, other = [next(agency.control.within(name).truth("workspace")) for name in names]
    for name, details in zip(names, alike, strict=False):
        control, answer = agency.control.within(name), {**details, "name": "Pine Street"}
        control.fault("/api/v2/workspaces/current", "status", status=200, body=answer, count=None)
        control.fault("/api/v2/leads/list", "status", status=403, body={"message": "no"}, count=None)
    ids = [details["id"] for details in (*alike, other)]
    run = by_admin(agency, ids)
    for details in alike:
        line = f"leads skipped in workspace Pine Street ({details['id']}): "
        assert any(message.startswith(line) for message in caplog.messages)
    assert run.tap.workspaces[other["id"]].label == other["name"]


def test_key_given_as_a_name_is_in_no_message(agency: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    key = secret("workspace-002")
    agency.control.within("workspace-002").fault("/api/v2/leads/list", "status", status=400, count=None)
    run = run_tap(opening(agency, {"Ours": agency.api_key, f"of {key}": key}), streams=("leads",), incomplete=True)
    assert "leads incomplete in workspace of *** (" in caplog.text
    assert traces(key, caplog.text + str(run.error)) == []


def test_admin_workspace_name_does_not_replace_the_records_own(agency: sandbox.Server) -> None:
    wanted, name = next(iter(joined(agency).items()))
    (record,) = by_admin(agency, [wanted], "workspace_group_admin").records("workspace_group_admin")
    assert (record["workspace_name"], record["admin_workspace_name"]) == (name, "Harbor & Loom")
    assert record["unknown_fields"] is None if "unknown_fields" in record else True


# Keys by names of variables


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"name": "a", "api_key_env": "NO_SUCH_VARIABLE_9"},
            "'a' has an api_key_env that names an unset or empty variable",
        ),
        *(
            ({"name": "a", "api_key_env": name}, "'a' has an api_key_env that is not a variable name")
            for name in (
                "NO_SUCH_VARIABLE_9==",
                "9_NO_SUCH_VARIABLE_9",
                "NO_SUCH_VARIABLE_9 ",
                "NO_SUCH_VARIABLE_9\ud800",
            )
        ),
        (
            {"name": "a", "api_key_evn": "NO_SUCH_VARIABLE_9"},
            "'a' has an unknown 'api_key_evn': did you mean 'api_key_env'.$",
        ),
        ({"name": "a", "NO_SUCH_VARIABLE_9": ""}, "'a' has an unknown name in it$"),
    ],
)
def test_a_workspace_without_a_key_is_named(entry: dict[str, str], message: str) -> None:
    said = refusal(workspaces=[entry])
    assert re.search(message, said)
    assert "NO_SUCH_VARIABLE_9" not in said


@pytest.mark.parametrize(
    "entries",
    [
        [{"api_key": "the-same-key"}, {"api_key": "the-same-key"}],
        [{"api_key_env": "THE_SAME"}, {"api_key_env": "THE_SAME"}],
        [{"api_key_env": "THE_SAME"}, {"api_key_env": "THE_SAME_TOO"}],
        [{"api_key_env": "THE_SAME_TOO"}, {"api_key": "the-same-key"}],
    ],
)
def test_a_key_under_two_names_is_refused_in_one_line_without_it(
    entries: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("THE_SAME", "THE_SAME_TOO"):
        monkeypatch.setenv(variable, "the-same-key")
    named = [{"name": name, **entry} for name, entry in zip("ab", entries, strict=True)]
    where = "setting 'workspaces' is not valid"
    said = f"{where}: 'a' and 'b' have the same key; keep one of them"
    assert refusal(workspaces=[{"name": "c", "api_key": "another"}, *named]) == said


@pytest.mark.parametrize(("value", "expected"), [("all", "all"), ('["x", "y"]', ["x", "y"])])
def test_sub_workspaces_can_be_given_in_a_variable(
    value: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_API_KEY", "k")
    monkeypatch.setenv("TAP_INSTANTLY_SUB_WORKSPACES", value)
    assert TapInstantly(parse_env_config=True).config["sub_workspaces"] == expected


def test_unsendable_key_fails_only_its_workspace(agency: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    entries = [{"name": "a", "api_key": agency.api_key}, {"name": "b", "api_key": "with a line end\n"}]
    run = run_tap(settings(agency, workspaces=entries), streams=("leads",))
    assert {name for _, name in workspaces_of(run)} == {"a"}
    assert "Workspace b cannot be opened: api_key is empty or contains" in caplog.text


def test_empty_key_error_does_not_mention_api_key_env() -> None:
    assert "api_key_env" not in refusal(workspaces=[{"name": "a", "api_key": ""}])


# Hundreds


REASONS = {
    "wrong key": "Workspace {} cannot be opened: GET /api/v2/workspaces/current answered 401 (unauthorized)",
    "no plan": "Workspace {} cannot be opened: GET /api/v2/workspaces/current answered 402 (no active plan)",
    "failing": "leads incomplete in workspace {} (the next run starts from the beginning, without a bookmark): POST /",
    "refused": "leads skipped in workspace {}: POST /api/v2/leads/list answered 403 (forbidden)",
}
"""Immediate log messages about a workspace, by the way it is broken."""
WITHIN = ("failing", "refused")


def break_some(server: sandbox.Server, keys: dict[str, str], names: list[str]) -> dict[str, str]:
    """Break workspaces in each way in turn, by key or on the server; return the ways by name."""
    ways = dict(zip(names, itertools.cycle(REASONS), strict=False))
    for name, way in ways.items():
        control = server.control.within(name)
        if way == "wrong key":
            keys[name] = f"not-the-key-of-{name}"
        elif way == "no plan":
            control.config(paid=False)
        else:
            status = {"failing": 500, "refused": 403}[way]
            control.fault("/api/v2/leads/list", "status", status=status, count=None)
    return ways


@pytest.mark.parametrize("many", [40, pytest.param(200, marks=pytest.mark.long)])
def test_among_many_workspaces_broken_ones_are_reported_and_the_rest_complete(
    debug_tap: Callable[..., Any], tmp_path: Path, many: int
) -> None:
    broken = many // 10
    config = SandboxConfig(workspaces=many, campaigns=1, accounts=1, leads=12, days=3, until=UNTIL, seed=3)
    with sandbox.serve(config) as server:
        names = [f"workspace-{place:03d}" for place in range(2, many + 1)]
        keys = api_keys(server, "main", *names)
        ways = break_some(server, keys, names[8::10][:broken])
        assert Counter(ways.values()) == dict.fromkeys(REASONS, broken / len(REASONS))
        catalog = tmp_path / "catalog.json"
        catalog.write_text(json.dumps(catalog_of(opening(server, keys), "leads", "campaigns")), encoding="utf-8")
        settings = opening(server, keys, concurrency=16)
        run = debug_tap("--catalog", str(catalog), environment={"TAP_INSTANTLY_LOGLEVEL": "INFO"}, **settings)
        truth = {name: {row["id"] for row in server.control.within(name).truth("leads")} for name in keys}
    assert run.returncode == 3, run.stderr[-2000:]
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    found: dict[str, list[str]] = {}
    for message in messages:
        if message["type"] == "RECORD" and message["stream"] == "leads":
            found.setdefault(message["record"]["workspace_name"], []).append(message["record"]["id"])
    good = keys.keys() - ways.keys()
    assert len(good) == many - broken
    assert {name: sorted(ids) for name, ids in found.items()} == {name: sorted(truth[name]) for name in good}
    assert messages[-1]["type"] == "STATE"
    parts = messages[-1]["value"]["bookmarks"]["leads"]["partitions"]
    assert sum("replication_key_value" in part for part in parts) == len(good)
    lines = [line.split(" | ")[-1] for line in run.stderr.splitlines()]
    for name, way in ways.items():
        assert any(line.startswith(REASONS[way].format(name)) for line in lines), name
    assert_summed_up(lines, ways, many)


def assert_summed_up(lines: list[str], ways: dict[str, str], many: int) -> None:
    """Check that each broken workspace is in the summary, and the incomplete ones in its last line."""
    of = {way: [name for name in ways if ways[name] == way] for way in REASONS}
    (leads,) = [line for line in lines if line.startswith("Synced leads: ")]
    for count, way, kind in (("skipped", "refused", "forbidden"), ("incomplete", "failing", "server error")):
        (entries,) = re.findall(rf" {count}=\[(.*?)\]", leads)
        assert sorted(entries.split(", ")) == [f"{name}: {kind}" for name in of[way]]
    reasons = "\n".join(line for line in lines if line.startswith("Not complete: "))
    for name, way in ways.items():
        within = rf"leads (skipped|incomplete) in (.*, )?{name}(,.*)?: "
        assert re.search(within if way in WITHIN else f"workspace {name} failed: ", reasons), name
    (total,) = [line for line in lines if line.startswith("Total: ")]
    each = len(ways) // len(REASONS)
    ends = f" workspaces={many - 2 * each} skipped={each} incomplete={each} workspaces_failed={2 * each}"
    assert total.endswith(ends)
    (missing,) = re.findall(r"^Sync incomplete: leads \((.*)\)\. All other data was read\.", lines[-1])
    assert sorted(missing.split(", ")) == [f"{name}: server error" for name in of["failing"]]
