from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.demo.conftest import table
from tools.demo.compare import Comparison, canonical, compare
from tools.demo.tables import TABLES, Kind, check_that_none_is_forgotten

if TYPE_CHECKING:
    from collections.abc import Callable

LEADS = table("leads")

LEAD = {
    "id": "lead-1",
    "workspace_id": "workspace-1",
    "timestamp_created": "2026-10-01T08:00:00.000Z",
    "timestamp_updated": "2026-10-02T09:30:00.123Z",
    "email": "ada@harbor.example",
    "job_title": 'Head of "Special" Projects,\nand more',
    "email_open_count": 3,
    "is_website_visitor": False,
    "payload": {"firstName": "Ada", "size": 12.5, "tags": ["a", "b"], "nested": {"deep": True}},
}
OTHER = LEAD | {"id": "lead-2", "email": "bo@loom.example"}


@pytest.fixture
def compared(warehouse: Callable[..., Any]) -> Callable[..., Comparison]:
    def run(expected: list[dict[str, Any]], actual: list[dict[str, Any]], **types: str) -> Comparison:
        return compare(LEADS, expected, warehouse(LEADS, actual, types))

    return run


def test_the_same_rows_are_the_same_in_any_order(compared: Callable[..., Comparison]) -> None:
    result = compared([LEAD, OTHER], [OTHER, LEAD])
    assert (result.same, result.rows, result.examples) == (True, 2, [])
    assert result.checksum == result.expected_checksum


@pytest.mark.parametrize(
    ("column", "api", "stored"),
    [
        ("timestamp_updated", "2026-10-02T11:30:00.123+02:00", "2026-10-02T09:30:00.123Z"),
        ("payload", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("email_open_count", 3.0, 3),
        ("payload", {}, {}),
    ],
)
def test_different_spellings_of_one_value_are_the_same(
    compared: Callable[..., Comparison], column: str, api: object, stored: object
) -> None:
    assert compared([LEAD | {column: api}], [LEAD | {column: stored}]).same


def test_empty_text_is_not_null(compared: Callable[..., Comparison]) -> None:
    empty = LEAD | {"job_title": ""}
    assert compared([empty], [empty]).same
    assert not compared([empty], [LEAD | {"job_title": None}]).same
    assert not compared([LEAD | {"job_title": None}], [empty]).same


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        ([LEAD, OTHER], [OTHER], "id=lead-1: the row is in the API but not in the table"),
        ([LEAD], [LEAD, OTHER], "id=lead-2: the row is in the table but not in the API"),
        ([LEAD], [LEAD, LEAD], "twice"),
        ([LEAD | {"surprise": 1}], [LEAD], "surprise"),
    ],
    ids=["missing", "extra", "twice", "a field that only the API has"],
)
def test_missing_or_surplus_row_or_field_is_found(
    compared: Callable[..., Comparison], expected: list[dict[str, Any]], actual: list[dict[str, Any]], said: str
) -> None:
    result = compared(expected, actual)
    assert not result.same
    (line,) = result.examples
    assert said in line


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        ("email", "ada@harbour.example"),
        ("email_open_count", 4),
        ("is_website_visitor", True),
        ("job_title", "Head of Special Projects,\nand more"),
        ("timestamp_updated", "2026-10-02T09:30:00.124Z"),
        ("timestamp_updated", "2026-10-02T09:30:00.123001Z"),
        ("timestamp_updated", "2026-10-02T10:30:00.123Z"),
        ("payload", {**LEAD["payload"], "nested": {"deep": False}}),
        ("payload", {**LEAD["payload"], "size": 12}),
        ("payload", {**LEAD["payload"], "tags": ["b", "a"]}),
        ("email", None),
        ("email_open_count", None),
        ("is_website_visitor", None),
        ("payload", None),
        ("phone", "+1555"),
        ("unknown_fields", {"surprise": 1}),
    ],
)
def test_changed_value_is_found(compared: Callable[..., Comparison], column: str, stored: object) -> None:
    result = compared([LEAD, OTHER], [LEAD | {column: stored}, OTHER])
    assert not result.same
    assert result.checksum != result.expected_checksum
    (line,) = result.examples
    assert line.startswith(f"id=lead-1: {column} is ")


@pytest.mark.parametrize(
    ("column", "kind"),
    [("email_open_count", "VARCHAR"), ("timestamp_updated", "VARCHAR"), ("payload", "VARCHAR"), ("email", "JSON")],
)
def test_wrong_type_is_found(compared: Callable[..., Comparison], column: str, kind: str) -> None:
    empty = LEAD | {column: None}
    result = compared([empty], [empty], **{column: kind})
    assert not result.same
    assert result.examples[0].startswith(f"column {column}: its type is {kind}")


def test_column_that_no_schema_has_is_found(compared: Callable[..., Comparison]) -> None:
    result = compared([LEAD], [LEAD], status_20261123_1313="VARCHAR")
    assert not result.same
    assert "status_20261123_1313" in result.examples[0]


def test_few_examples_stand_for_many_differences(compared: Callable[..., Comparison]) -> None:
    result = compared([LEAD | {"id": f"lead-{number}"} for number in range(9)], [])
    assert (result.differing, len(result.examples)) == (9, 3)


def test_text_of_a_number_is_no_number() -> None:
    assert canonical("5", Kind.INTEGER) != canonical(5, Kind.INTEGER)
    assert canonical(True, Kind.INTEGER) is True  # noqa: FBT003 - a value, not a flag


def test_every_schema_has_a_table() -> None:
    check_that_none_is_forgotten()
    for one in TABLES:
        assert set(one.keys) <= one.columns.keys()
