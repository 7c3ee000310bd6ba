"""With flattening and hidden personal data, nothing personal arrives and nothing is lost."""

from __future__ import annotations

import json
import logging
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.settings import DROP, HASH, KEEP
from tap_instantly.streams import InstantlyStream
from tap_instantly.tap import TapInstantly
from tests.partitions import partition_of
from tests.personal.conftest import SALT
from tests.streams.test_flattening import NAMES, NOWHERE, TIMES, catalog, columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk import Stream

    from sandbox import Server
    from tests.support import Record, TapRun


def settings_of(choice: str, depth: int) -> dict[str, Any]:
    flattening = {"flattening_enabled": True, "flattening_max_depth": depth} if depth else {}
    return {"personal_data": choice, "personal_data_salt": SALT, **flattening}


def sent(kind: Mapping[str, Any], numbers: Iterator[int]) -> Any:
    """Build a value of a schema with addresses in each object: as unknown fields and as their names."""
    types = [kind["type"]] if isinstance(kind["type"], str) else kind["type"]
    if "object" in types and "properties" in kind:
        known = {name: sent(part, numbers) for name, part in kind["properties"].items()}
        address = f"anna.{next(numbers)}@home.example"
        return {"new": address, "status_of": {"whom": [address]}, address: True, **known}
    if "array" in types:
        return [sent(kind.get("items") or {"type": "string"}, numbers)]
    if "object" in types:
        return {}
    if "string" in types:
        return TIMES.get(kind.get("format", ""), "word")
    return True if "boolean" in types else 7


def loaded(stream: Stream, record: Record) -> str:
    """Return a record of the API as the loader receives it, as JSON."""
    assert isinstance(stream, InstantlyStream)
    shaped = stream.shaped(record, partition_of(stream))
    assert shaped is not None
    out = stream.stream_maps[0].transform(shaped)
    assert out is not None
    return json.dumps({name: value for name, value in out.items() if name in columns(stream)})


@pytest.mark.parametrize(("choice", "depth"), [(KEEP, 4), (HASH, 0), (HASH, 1), (DROP, 4)])
def test_unknown_data_at_any_depth_is_hidden_or_kept_as_configured(choice: str, depth: int) -> None:
    streams = TapInstantly(config={**NOWHERE, **settings_of(choice, depth)}, catalog=catalog()).streams
    for name in NAMES:
        numbers = count(1)
        properties = {key: part for key, part in streams[name].schema["properties"].items() if key != "unknown_fields"}
        record = {**sent({"type": "object", "properties": properties}, numbers), "workspace_name": None}
        del record["workspace_id"]
        out = loaded(streams[name], record)
        for number in range(1, next(numbers)):
            # As a value, as a nested value, and as a name.
            assert out.count(f"anna.{number}@home") == (3 if choice == KEEP else 0), (name, number)
        assert "anna." not in out or choice == KEEP, name


@pytest.mark.parametrize(("choice", "depth"), [(KEEP, 0), (KEEP, 4), (HASH, 1), (HASH, 4), (DROP, 0)])
def test_unknown_data_is_in_neither_records_nor_log(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture, choice: str, depth: int
) -> None:
    advanced = {"warm_ctd": True, "owner": {"mail": "anna@home.example", "name": "Anna Home"}}
    account = {"email": "a@b.example", "warmup": {"limit": 7, "bo@home.example": "Bo Home", "advanced": advanced}}
    api.control.fault("/api/v2/accounts", "status", status=200, body={"items": [account]}, count=None)
    caplog.set_level(logging.DEBUG)
    run = sync("accounts", **settings_of(choice, depth))
    written = json.dumps(run.records("accounts"))
    texts = ["anna@home.example", "Anna Home", "bo@home.example", "Bo Home"]
    assert [text for text in texts if text in written] == (texts if choice == KEEP else [])
    assert [text for text in texts if text in caplog.text] == []
