"""Run the examples of docs/privacy.md; fields with secrets are left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_instantly.client.redaction import SECRET_NAME
from tap_instantly.streams import STREAMS
from tap_instantly.streams.schemas import schema_directory
from tests.pages import blocks, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from sandbox import Server
    from tests.support import TapRun

PAGE = Path("docs/privacy.md").read_text(encoding="utf-8")

REVIEWED = {
    "ai_deliverability_feed.dedupe_key": "tells findings apart",
    "ai_deliverability_state.current_activity.active.idempotency_key": "tells messages apart",
    "ai_deliverability_state.current_activity.active.sub_messages.idempotency_key": "tells messages apart",
    "ai_deliverability_state.current_activity.queued.idempotency_key": "tells messages apart",
    "ai_deliverability_state.run_summary.latest.feed_items.dedupe_key": "tells findings apart",
    "audit_logs.api_key_id": "the id of a key, not the key",
    "campaigns.insert_unsubscribe_header": "a boolean",
    "inbox_placement_analytics.authentication_failure_results": "what SPF, DKIM and DMARC found",
    "inbox_placement_analytics.authentication_failure_results.authentication_results": "what SPF, DKIM and DMARC found",
}
"""Fields with names like secrets that hold none, with reasons."""

LET_IN = (
    "webhooks.target_hook_url",
    "webhook_events.webhook_url",
    "inbox_placement_tests.automations.then.webhook_url",
)
"""URLs that may grant access to anyone who knows them, as docs/privacy.md says."""


def fields(schema: dict[str, Any], place: str) -> Iterator[str]:
    for name, kind in schema.get("properties", {}).items():
        yield f"{place}.{name}"
        yield from fields(kind, f"{place}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], place)


def all_fields() -> set[str]:
    paths = schema_directory().glob("*.json")
    return {field for path in paths for field in fields(json.loads(path.read_text(encoding="utf-8")), path.stem)}


def sounds_secret(field: str) -> bool:
    name = field.rpartition(".")[2]
    return bool(SECRET_NAME.search(name) or re.search(r"(key|auth|header)(?!word)|\bimap|\bsmtp_pass", name))


def test_fields_with_secret_names_are_excluded_or_reviewed() -> None:
    assert {field for field in all_fields() if sounds_secret(field)} == set(REVIEWED)


def test_capability_urls_are_documented_and_deselected() -> None:
    assert {field for field in all_fields() if re.search(r"hook_url$", field)} == set(LET_IN)
    assert all(f"`{field.rpartition('.')[2]}`" in PAGE for field in LET_IN)
    off = {stream.name for stream in STREAMS if stream.why_deselected}
    assert {field.partition(".")[0] for field in LET_IN} <= off


def test_excluded_fields_are_in_no_schema_and_secrets_are_documented() -> None:
    left_out = {f"{stream.name}.{name}" for stream in STREAMS for name in stream.excluded}
    secret = {field for field in left_out if sounds_secret(field)}
    assert secret == {"api_keys.key", "webhooks.headers", "dfy_accounts.password"}
    assert left_out & all_fields() == set()
    assert all("`{1}` of `{0}`".format(*field.split(".")) in PAGE for field in secret)


def test_truncated_page_is_not_logged(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    page = json.dumps({"items": list(api.control.truth("api_keys"))})
    api.control.fault("/api/v2/api-keys", "garbage", body=page[:-2], count=None)
    sync("api_keys", incomplete=True, max_retries=1)
    assert "unreadable response" in caplog.text
    assert "not-a-real-key" not in caplog.text


def test_documented_snippet_finds_the_rows_of_one_person(
    api: Server, sync: Callable[..., TapRun], capsys: pytest.CaptureFixture[str]
) -> None:
    salt = "4b1d-a-salt-of-the-tests-0001"
    lead = next(row for row in api.control.truth("leads") if row.get("email"))
    (snippet,) = blocks("docs/privacy.md", "python")
    snippet = snippet.replace("the salt", salt).replace("anna@example.com", lead["email"].upper())
    exec(snippet, {})  # noqa: S102 (the project's own page)
    digest = capsys.readouterr().out.strip()
    run = sync("leads", personal_data="hash", personal_data_salt=salt)
    domain = lead["email"].rpartition("@")[2]
    assert [row["id"] for row in run.records("leads") if row.get("email") == f"{digest}@{domain}"] == [lead["id"]]


def test_documented_commands_hash_addresses_and_show_the_result(api: Server, tmp_path: Path) -> None:
    setting, check = blocks("docs/privacy.md", "sh")
    access = f"TAP_INSTANTLY_API_KEY={api.api_key}\nTAP_INSTANTLY_API_URL={api.url}/api/v2\n"
    (tmp_path / ".env").write_text(access, encoding="utf-8")
    run(f"set -e\n{setting}{check.rstrip()} > messages.jsonl", tmp_path)
    messages = map(json.loads, (tmp_path / "messages.jsonl").read_text(encoding="utf-8").splitlines())
    shown = {message["stream"]: message["record"] for message in messages if message["type"] == "RECORD"}
    assert {"leads", "emails"} <= shown.keys()  # selected, and not
    assert re.fullmatch(r"[0-9a-f]{32}@.+", shown["leads"]["email"])


def test_documented_stream_maps_do_what_the_page_says(sync: Callable[..., TapRun]) -> None:
    (text,) = blocks("docs/privacy.md", "yaml")
    example = yaml.safe_load(text)
    run = sync(*example["stream_maps"], **example, personal_data_salt="4b1d-a-salt-of-the-tests-0001")
    leads, variants = run.records("leads"), run.records("campaign_variants")
    assert all(row.get("email_domain") == ((row.get("email") or "@").partition("@")[2] or None) for row in leads)
    assert variants
    assert not any("company_name" in row for row in leads)
    assert not any("subject" in row for row in variants)
