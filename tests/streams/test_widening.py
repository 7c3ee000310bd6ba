"""Known unknown fields give the same records and counts as new ones."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tap_instantly.client.decode import Odd
from tap_instantly.streams import widening
from tap_instantly.streams.conformance import Form
from tap_instantly.streams.records import RecordShaper
from tests.streams.test_records import NESTED
from tests.support import examples

KNOWN: dict[str, Any] = {
    "id": {"type": "string"},
    "changed": {"type": ["string", "null"], "format": "date-time"},
    **{name: NESTED[name] for name in ("smtp", "steps", "payload")},
    "workspace_id": {"type": "string"},
    "workspace_name": {"type": ["string", "null"]},
    "unknown_fields": {"type": ["object", "null"]},
}
NAMES = [
    '"',
    "a\\b",
    "\x01",
    "",
    "caf\u00e9",
    "x" * 200,
    "new",
    "newer",
    "smtp.new",
    "host",
    "login",
    "password",
    "pin",
    "x_token",
    "unknown_fields",
    "workspace_id",
]


@pytest.fixture(autouse=True)
def _from_the_first_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widening, "FROM", 1)


def shaper(flattened: int = 0) -> RecordShaper:
    schema = {"type": "object", "properties": KNOWN}
    return RecordShaper(schema, ["id"], "off", logging.getLogger("tap-instantly.things"), flattened)


SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.just(2**70) | st.sampled_from([0.5, "", "text", Odd("x")])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from([*NAMES, "delay", "user"]), VALUES, max_size=3)
RECORDS = st.fixed_dictionaries(
    {"id": st.just("1")},
    optional={
        "changed": st.sampled_from([None, "2026-01-31T10:00:00.000Z", "2026-01-31", "soon"]),
        "smtp": OBJECTS,
        "steps": st.lists(OBJECTS, max_size=2),
        **dict.fromkeys(NAMES, VALUES),
    },
)


@given(records=st.lists(RECORDS, min_size=2, max_size=5), flattened=st.integers(0, 2))
@examples(100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_learned_forms_do_not_change_how_records_are_shaped(
    monkeypatch: pytest.MonkeyPatch, records: list[dict[str, Any]], flattened: int
) -> None:
    learning = shaper(flattened)
    with monkeypatch.context() as nothing:
        nothing.setattr(widening, "MOST", 0)
        plain = shaper(flattened)
    for record in [*records, *records]:
        expected = plain.shape(copy.deepcopy(record), "home", "At home")
        assert learning.shape(copy.deepcopy(record), "home", "At home") == expected
    assert learning.oddities == plain.oddities


@pytest.mark.parametrize(
    "further",
    [
        {"new": 1, "newer": "text"},
        {"smtp": {"host": "mail.example", "login": {"user": "ida", "new": [1, "a", None]}}},
        {"steps": [{"delay": 1, "new": {"a": {"b": 0.5}}}, {"new": None}]},
        {"new": {"a": [], "b": {}}},
    ],
)
@pytest.mark.parametrize("flattened", [0, 2])
def test_second_record_with_the_same_unknown_fields_takes_the_fast_path(
    monkeypatch: pytest.MonkeyPatch, further: dict[str, Any], flattened: int
) -> None:
    shape = shaper(flattened)
    first = shape.shape(copy.deepcopy({"id": "1", **further}), "home")
    monkeypatch.setattr(RecordShaper, "_look_closely", lambda *_: pytest.fail("looked at closely"))
    assert shape.shape(copy.deepcopy({"id": "2", **further}), "home") == {**(first or {}), "id": "2"}


def test_field_is_masked_once_its_value_becomes_a_secret() -> None:
    shape = shaper()
    for value, written in ((None, None), (7, 7), ("hidden", "***"), (["hidden"], "***"), (8, 8)):
        record = shape.shape({"id": "1", "x_token": value, "smtp": {"x_token": value}}, "home")
        assert record is not None
        assert record["unknown_fields"] == {"x_token": written}
        assert record["smtp"] == {"x_token": written}


def test_few_records_with_unknown_fields_create_no_new_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widening, "FROM", 20)
    looked_at: list[object] = []
    look = RecordShaper._look_closely
    monkeypatch.setattr(RecordShaper, "_look_closely", lambda *args: looked_at.append(args) or look(*args))  # type: ignore[func-returns-value]
    shape = shaper()
    for number in range(100):
        record = shape.shape({"id": "1", "new": number}, "home")
        assert record is not None
        assert record["unknown_fields"] == {"new": number}
    assert len(looked_at) == 20


def test_ever_changing_field_names_are_not_learned_without_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Form] = []

    class Counted(Form):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            made.append(self)

    monkeypatch.setattr(widening, "Form", Counted)
    shape = shaper()
    for number in range(2 * widening.MOST):
        record = shape.shape({"id": "1", f"new_{number}": 1, "smtp": {f"of_{number}": 1}}, "home")
        assert record is not None
        assert record["unknown_fields"] == {f"new_{number}": 1}
    assert len(made) <= widening.MOST + 1
