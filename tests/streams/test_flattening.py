"""With flattening, every value of the API is in a column."""

from __future__ import annotations

import copy
import json
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigurationError

from tap_instantly.settings import LONGEST_NAME
from tap_instantly.streams import STREAMS
from tap_instantly.tap import TapInstantly
from tests.support import examples, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_instantly.streams import InstantlyStream

    Kind = Mapping[str, Any]

NAMES = sorted(stream.name for stream in STREAMS)
NOWHERE = {"api_key": "none", "api_url": "http://127.0.0.1:9/api/v2"}
UNKNOWN = ("new", "new__one", "status", "code", "id")
"""Some of these names are columns elsewhere or become columns."""
TIMES = {"date-time": "2026-01-01T00:00:00.000Z", "date": "2026-01-01"}


@cache
def catalog() -> dict[str, Any]:
    """Return a catalog with everything selected."""
    found = TapInstantly(config=NOWHERE).catalog_dict
    for item in (item for entry in found["streams"] for item in entry["metadata"]):
        item["metadata"]["selected"] = True
    return found


@cache
def streams(depth: int, separator: str = "__", length: int = LONGEST_NAME) -> dict[str, InstantlyStream]:
    flattening = {"flattening_max_depth": depth, "flattening_separator": separator, "flattening_max_key_length": length}
    return TapInstantly(config={**NOWHERE, "flattening_enabled": True, **flattening}, catalog=catalog()).streams


def columns(stream: InstantlyStream) -> dict[str, Any]:
    return stream.stream_maps[0].transformed_schema["properties"]


def flattened(stream: InstantlyStream, record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record that have a column."""
    shaped = stream.shaper.shape(record, "home", "At home")
    assert shaped is not None
    out = stream.stream_maps[0].transform(shaped)
    assert out is not None
    return {name: value for name, value in out.items() if name in columns(stream)}


def filled(kind: Kind, numbers: Iterator[int], unknown: Callable[[], bool]) -> Any:
    """Build a value of a schema with distinct leaves, and unknown fields in every object."""
    types = [kind["type"]] if isinstance(kind["type"], str) else kind["type"]
    if "object" in types:
        known = {name: filled(part, numbers, unknown) for name, part in kind.get("properties", {}).items()}
        further = {name: f"leaf {next(numbers)}" for name in UNKNOWN if unknown()}
        more = {"within": {"it": f"leaf {next(numbers)}"}} if unknown() else {}
        return {**further, **more, **known}
    if "array" in types:
        return [filled(kind.get("items") or {"type": "string"}, numbers, unknown) for _ in range(2)]
    if "string" in types:
        return TIMES.get(kind.get("format", ""), f"leaf {next(numbers)}")
    return True if "boolean" in types else next(numbers)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    elif value is not None:
        yield value


@examples(300, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(NAMES),
    flattening=st.sampled_from([(1, "__", LONGEST_NAME), (2, "_", 30), (3, "__", 40), (4, ".", 255)]),
    data=st.data(),
)
def test_every_value_is_in_a_column(name: str, flattening: tuple[int, str, int], data: st.DataObject) -> None:
    stream = streams(*flattening)[name]
    record = filled(stream.schema, count(10**9), lambda: data.draw(st.booleans()))
    for added in ("workspace_id", "workspace_name", "unknown_fields"):
        del record[added]
    sent = list(leaves(record))
    found = json.dumps(flattened(stream, record))
    assert [leaf for leaf in sent if json.dumps(leaf).strip('"') not in found] == []


@pytest.mark.parametrize("depth", range(1, 5))
def test_column_names_are_unique_and_fit_postgres(depth: int) -> None:
    names = {name: list(columns(stream)) for name, stream in streams(depth).items()}
    assert [each for of_one in names.values() for each in of_one if len(each) > LONGEST_NAME] == []
    assert [name for name, of_one in names.items() if len({each.lower() for each in of_one}) < len(of_one)] == []


def test_unknown_fields_in_objects_are_kept_under_their_path() -> None:
    stream = streams(2)["accounts"]
    known = {"email": "a@b.example", "warmup": {"limit": 7, "advanced": {"warm_ctd": True}}}
    plain = flattened(stream, json.loads(json.dumps(known)))
    known["warmup"].update(pace="slow")  # type: ignore[attr-defined]
    known["warmup"]["advanced"].update(mode={"of": ["day"]})  # type: ignore[index]
    out = flattened(stream, known)
    assert json.loads(out.pop("unknown_fields")) == {"warmup.pace": "slow", "warmup.advanced.mode": {"of": ["day"]}}
    assert out == plain


def test_levels_below_the_flattening_depth_stay_in_place() -> None:
    out = flattened(streams(1)["accounts"], {"email": "a@b.example", "warmup": {"advanced": {"mode": "new"}}})
    assert json.loads(out["warmup__advanced"]) == {"mode": "new"}
    assert "unknown_fields" not in out


def test_fields_missing_from_an_older_catalog_are_kept() -> None:
    older = copy.deepcopy(catalog())
    entry = next(entry for entry in older["streams"] if entry["tap_stream_id"] == "accounts")
    del entry["schema"]["properties"]["warmup"]["properties"]["limit"]
    config = {**NOWHERE, "flattening_enabled": True, "flattening_max_depth": 2}
    stream = TapInstantly(config=config, catalog=older).streams["accounts"]
    out = flattened(stream, {"email": "a@b.example", "warmup": {"limit": 7}})
    assert json.loads(out["unknown_fields"]) == {"warmup.limit": 7}


@pytest.mark.parametrize("lacking", ["no column", "left out"])
@pytest.mark.parametrize("flattening", [{}, {"flattening_enabled": True, "flattening_max_depth": 2}])
def test_missing_unknown_fields_column_is_logged_as_a_loss(
    caplog: pytest.LogCaptureFixture, flattening: dict[str, Any], lacking: str
) -> None:
    without = copy.deepcopy(catalog())
    entry = next(entry for entry in without["streams"] if entry["tap_stream_id"] == "accounts")
    if lacking == "no column":
        del entry["schema"]["properties"]["unknown_fields"]
    for item in entry["metadata"]:
        item["metadata"]["selected"] = "unknown_fields" not in item["breadcrumb"]
    stream = TapInstantly(config={**NOWHERE, **flattening}, catalog=without).streams["accounts"]
    stream.shaper.shape({"email": "a@b.example", "new": 1}, "home")  # type: ignore[attr-defined]
    assert "Field 'new': not in the schema; the value is lost" in caplog.text
    assert "kept in the column" not in caplog.text


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({}, "setting 'flattening_enabled' needs a flattening_max_depth of 1 or more"),
        ({"flattening_max_depth": 0}, "setting 'flattening_enabled' needs a flattening_max_depth of 1 or more"),
        ({"flattening_max_depth": -1}, "setting 'flattening_enabled' needs a flattening_max_depth of 1 or more"),
        ({"flattening_max_depth": 2, "flattening_max_key_length": 10}, "Cannot flatten records: Duplicate column"),
        (
            {"flattening_max_depth": 1, "flattening_max_key_length": 0},
            "setting 'flattening_max_key_length' is not valid",
        ),
    ],
)
def test_settings_that_would_lose_a_column_are_refused_in_one_line(
    given_settings: dict[str, Any], message: str
) -> None:
    assert refusal(**{**NOWHERE, "flattening_enabled": True, **given_settings}).startswith(message)


def tap_of(name: str, flattening: dict[str, Any], properties: dict[str, Any]) -> TapInstantly:
    """Create a tap with one stream whose catalog has extra properties."""
    entry = copy.deepcopy(next(entry for entry in catalog()["streams"] if entry["tap_stream_id"] == name))
    entry["schema"]["properties"].update(properties)
    return TapInstantly(config={**NOWHERE, "flattening_enabled": True, **flattening}, catalog={"streams": [entry]})


def test_columns_differing_only_by_case_are_refused() -> None:
    tap = tap_of("accounts", {"flattening_max_depth": 2}, {"Warmup__Limit": {"type": ["string", "null"]}})
    with pytest.raises(ConfigurationError, match="stream accounts would have 2 columns named warmup__limit"):
        tap.sync_all()


def test_a_key_that_would_have_no_column_is_refused() -> None:
    tap = tap_of("account_warmup", {"flattening_max_depth": 1, "flattening_max_key_length": 9}, {})
    with pytest.raises(ConfigurationError, match="would not have its key"):
        tap.sync_all()
