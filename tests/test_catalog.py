"""Catalogs that are unusable, select nothing, or name unknown streams."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly.tap import TapInstantly
from tap_instantly.validation.catalog import CatalogError
from tests.state.test_state import JSON, REMOVED, places, put
from tests.support import CollectingWriter, catalog_of, examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server

CONFIG = {"api_key": "k", "api_url": "http://127.0.0.1:1/api/v2"}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return catalog_of(CONFIG, "campaigns")


@pytest.fixture
def catalog(whole: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(whole)


def entry(catalog: dict[str, Any], stream: str = "campaigns") -> dict[str, Any]:
    return next(found for found in catalog["streams"] if found["tap_stream_id"] == stream)


def metadata(catalog: dict[str, Any], *breadcrumb: str) -> dict[str, Any]:
    return next(item["metadata"] for item in entry(catalog)["metadata"] if tuple(item["breadcrumb"]) == breadcrumb)


def deselect(catalog: dict[str, Any], name: str) -> None:
    metadata(catalog, "properties", name).update(inclusion="available", selected=False)


UNUSABLE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no streams": (lambda catalog: catalog.pop("streams"), "it has no list of streams"),
    "streams that are no list": (lambda catalog: catalog.update(streams={}), "it has no list of streams"),
    "an entry that is no object": (lambda catalog: catalog["streams"].insert(0, 5), "streams[0] is not an object"),
    "no tap_stream_id": (
        lambda catalog: catalog["streams"][2].pop("tap_stream_id"),
        "streams[2] has no tap_stream_id. Start from the catalog that --discover writes",
    ),
    "no schema": (lambda catalog: entry(catalog).pop("schema"), "stream campaigns has no schema with properties"),
    "an empty schema": (lambda catalog: entry(catalog).update(schema={}), "has no schema with properties"),
    "no metadata": (lambda catalog: entry(catalog).pop("metadata"), "stream campaigns has no metadata"),
    "metadata of another form": (
        lambda catalog: entry(catalog)["metadata"].append({"selected": True}),
        "stream campaigns has metadata without a breadcrumb",
    ),
    "a selection that is a text": (
        lambda catalog: metadata(catalog).update(selected="false"),
        "stream campaigns has metadata in which selected is neither true nor false",
    ),
    "a stream twice": (
        lambda catalog: catalog["streams"].append(entry(catalog)),
        "stream campaigns appears twice",
    ),
    "a text in the place of objects, as Meltano's extra schema makes it": (
        lambda catalog: entry(catalog)["schema"]["properties"].update(campaign_schedule={"type": ["string", "null"]}),
        'to load text, set stream_maps: {"campaigns": {"campaign_schedule": "json.dumps(campaign_schedule)"}}',
    ),
    "a text in the place of arrays": (
        lambda catalog: entry(catalog)["schema"]["properties"].update(email_list={"type": "string"}),
        "stream campaigns changes the type of email_list, whose values have the type array",
    ),
    "another key where it does not count": (
        lambda catalog: metadata(catalog).update({"table-key-properties": ["workspace_id", "name"]}),
        "stream campaigns has table-key-properties, which are ignored; the key is ['id']. To change",
    ),
    "a key that is not selected": (
        lambda catalog: deselect(catalog, "id"),
        "stream campaigns deselects id, which is a key property: select it",
    ),
    "a key that is no column": (
        lambda catalog: entry(catalog)["schema"]["properties"].pop("id"),
        "stream campaigns has no column id, which is a key property",
    ),
    "no keys at all": (
        lambda catalog: [entry(catalog).pop("key_properties"), metadata(catalog).pop("table-key-properties")],
        "stream campaigns has no key_properties",
    ),
    "a replication key that is not selected": (
        lambda catalog: deselect(catalog, "timestamp_updated"),
        "stream campaigns deselects timestamp_updated, which is a replication key: select it",
    ),
    "a replication key that is no time": (
        lambda catalog: entry(catalog).update(replication_key="name"),
        "stream campaigns has the replication key name, which is not the time of a change",
    ),
    "a misspelt replication method": (
        lambda catalog: entry(catalog).update(replication_method="FULLTABLE"),
        "stream campaigns has the replication method FULLTABLE: use FULL_TABLE or INCREMENTAL",
    ),
    "incremental without a key": (
        lambda catalog: [
            entry(catalog, "lead_lists").update(replication_method="INCREMENTAL"),
            entry(catalog, "lead_lists").update(metadata=[{"breadcrumb": [], "metadata": {"selected": True}}]),
        ],
        "stream lead_lists is INCREMENTAL without a replication key",
    ),
    "nothing selected": (
        lambda catalog: metadata(catalog).update(selected=False),
        "Nothing to read: the catalog selects no stream of this tap",
    ),
    "only streams that there are not": (
        lambda catalog: entry(catalog).update(tap_stream_id="campaign"),
        "Nothing to read: the catalog selects no stream of this tap",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_invalid_catalog_fails_in_one_line_before_any_output(catalog: dict[str, Any], case: str) -> None:
    change, said = UNUSABLE[case]
    change(catalog)
    writer = CollectingWriter()
    with pytest.raises(CatalogError) as caught:
        TapInstantly(config=dict(CONFIG), catalog=catalog, message_writer=writer).sync_all()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert writer.messages == []


@pytest.mark.parametrize("catalog", [[], 5, "campaigns", False])
def test_non_object_catalog_is_refused(catalog: Any) -> None:
    with pytest.raises(CatalogError):
        TapInstantly(config=dict(CONFIG), catalog=catalog)


def test_too_deeply_nested_schema_is_refused(catalog: dict[str, Any]) -> None:
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(400):
        deep = {"type": "object", "properties": {"more": deep}}
    entry(catalog)["schema"]["properties"]["deep"] = deep
    with pytest.raises(CatalogError, match="nested too deeply"):
        TapInstantly(config=dict(CONFIG), catalog=catalog)


def test_unknown_streams_get_a_suggestion_and_the_others_are_read(
    api: Server, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = catalog_of(config, "campaigns")
    for name in ("campaign", "something"):
        catalog["streams"].append({**copy.deepcopy(entry(catalog)), "tap_stream_id": name})
    writer = CollectingWriter()
    TapInstantly(config=config, catalog=catalog, message_writer=writer).sync_all()
    said = "The catalog has unknown streams, which are ignored: 'campaign': did you mean 'campaigns'?; 'something'"
    assert [record.getMessage() for record in caplog.records].count(said) == 1
    assert {message["stream"] for message in writer.messages if message["type"] == "RECORD"} == {"campaigns"}


def test_keys_may_be_deselected_explicitly_and_other_columns_freely(api: Server, config: dict[str, Any]) -> None:
    catalog = catalog_of(config, "campaigns")
    entry(catalog).update(key_properties=[])
    metadata(catalog)["table-key-properties"] = []
    deselect(catalog, "name")
    writer = CollectingWriter()
    TapInstantly(config=config, catalog=catalog, message_writer=writer).sync_all()
    records = [message["record"] for message in writer.messages if message["type"] == "RECORD"]
    assert records
    assert not any("name" in record for record in records)


@pytest.fixture(scope="module")
def small(whole: dict[str, Any]) -> dict[str, Any]:
    """Return a catalog of a few properties."""
    of_campaigns = entry(whole)
    some = {"schema": _some(of_campaigns["schema"]), "metadata": of_campaigns["metadata"][-3:]}
    return copy.deepcopy({"streams": [{**of_campaigns, **some}]})


@examples(100)
@given(data=st.data(), value=JSON | st.just(REMOVED))
def test_catalog_that_passes_the_check_is_accepted_by_the_sdk(
    small: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    changed = put(copy.deepcopy(small), data.draw(st.sampled_from(list(places(small)))), value)
    said = ""
    try:
        TapInstantly(config=dict(CONFIG), catalog=changed)._check_selection()
    except CatalogError as error:
        said = str(error)
    assert "\n" not in said


def _some(schema: dict[str, Any]) -> dict[str, Any]:
    names = ["id", "workspace_id", "timestamp_updated", *list(schema["properties"])[:4]]
    return {**schema, "properties": {name: schema["properties"][name] for name in names}}
