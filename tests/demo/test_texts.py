from __future__ import annotations

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tools.demo import texts
from tools.demo.errors import DemoError
from tools.demo.pipeline import Sandbox

SIZE = SandboxConfig(1, 2, 2, leads=20, emails=5, days=10, until=UNTIL, seed=4)


def test_texts_fill_each_lead_column_and_rotate_through_variants() -> None:
    with sandbox.serve(SIZE) as server:
        source, control = Sandbox(server.url, server.api_key), server.control
        for turn in range(2):
            texts.write(source, control, turn)
        leads = [row for row in control.truth("leads") if row.get("email", "").startswith("text-")]
        (campaign,) = [row for row in control.truth("campaigns") if row["name"] == texts.NAME]
    for name in texts.COLUMNS:
        assert sorted(row[name] for row in leads) == sorted(texts.TEXTS * 2)
    assert {row["payload"]["text"] for row in leads} == set(texts.TEXTS)
    *variants, large = campaign["sequences"][0]["steps"][0]["variants"]
    assert [variant["subject"] for variant in variants] == [*texts.TEXTS[1:], texts.TEXTS[0]]
    assert len(large["body"].encode()) > texts.MEGABYTES << 20


def test_sandbox_that_rejects_the_texts_ends_the_demo() -> None:
    refused = pytest.raises(DemoError, match="did not accept all leads: 401")
    with sandbox.serve(SIZE) as server, refused:
        texts.write(Sandbox(server.url, "no-such-key"), server.control, 0)


def test_nul_is_expected_replaced_with_the_original_in_unknown_fields() -> None:
    row = {"id": "1", "name": "a\0b", "payload": {"deep": ["x", {"of": "\0"}], "n": 1}, "none": None}
    held = {"id": "1", "name": "a\ufffdb", "payload": {"deep": ["x", {"of": "\ufffd"}], "n": 1}, "none": None}
    assert texts.carried(row) == (held, {"name": r"a\u0000b", "payload.deep[1].of": r"\u0000"})
    assert texts.carried(held) == (held, {})
