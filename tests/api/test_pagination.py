from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from tap_instantly import ErrorKind, InstantlyAPIError, InstantlyClient
from tap_instantly.client.decode import UNREADABLE, Odd
from tap_instantly.client.page import Answer, items
from tap_instantly.client.pagination import StartingAfterPaginator
from tests.support import FAST, examples

if TYPE_CHECKING:
    from sandbox import Server
    from tap_instantly.client.page import Page

LISTS = {
    "campaigns": ("/campaigns", "GET", "id"),
    "accounts": ("/accounts", "GET", "email"),
    "lead_lists": ("/lead-lists", "GET", "id"),
    "leads": ("/leads/list", "POST", "id"),
}


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(resource="campaigns", page_size=1, short_pages=0.0)
@example(resource="lead_lists", page_size=1, short_pages=0.0)  # one time fills each page, and that is no error
@given(
    resource=st.sampled_from(sorted(LISTS)),
    page_size=st.integers(1, 100),
    short_pages=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_every_row_is_read_exactly_once_with_any_page_size(
    api: Server, resource: str, page_size: int, short_pages: float
) -> None:
    api.control.config(short_pages=short_pages)
    path, method, key = LISTS[resource]
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", page_size=page_size, **FAST) as client:
        rows = [row[key] for row in client.paginate(path, method=method)]
    assert rows == [row[key] for row in api.control.truth(resource)]


def tie(api: Server, number: int, place: int) -> list[str]:
    """Generate lead lists with a number of equal times, the cursor, from a place on."""
    moment = list(api.control.truth("lead_lists"))[place]["timestamp_created"]
    for _ in range(number - 1):
        api.control.add_lead_list(at=moment)
    return [row["id"] for row in api.control.truth("lead_lists")]


@pytest.mark.parametrize(("limit", "place"), [(3, 2), (6, 1), (6, 3)])
def test_records_with_one_timestamp_come_once_on_halved_pages(
    api: Server, client: InstantlyClient, limit: int, place: int
) -> None:
    ids = tie(api, limit - 1, place)
    api.control.fault("/api/v2/lead-lists", "status", status=500, limit_over=limit, count=None)
    assert [row["id"] for row in client.list_lead_lists()] == ids


def test_last_timestamp_of_a_short_page_is_read_again(api: Server, client: InstantlyClient) -> None:
    ids = tie(api, 3, 3)
    api.control.config(short_pages=1.0)
    pages = list(client.pages("/lead-lists"))
    assert [row["id"] for page in pages for row in page] == ids
    assert len(pages[0]) < len(ids)


@pytest.mark.parametrize("page_size", [2, 3])
def test_timestamp_that_fills_a_page_is_an_error(api: Server, caplog: pytest.LogCaptureFixture, page_size: int) -> None:
    tie(api, 4, 2)
    with (
        InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", page_size=page_size) as client,
        pytest.raises(InstantlyAPIError, match="may be missing: one timestamp fills a page"),
    ):
        list(client.list_lead_lists())
    moment = list(api.control.truth("lead_lists"))[2]["timestamp_created"]
    assert caplog.messages == [
        (
            f"All records of a page of /api/v2/lead-lists have the timestamp {moment}; others with it may be"
            " missing. Set page_size to 100 if it is lower; otherwise run again later."
        ),
        "Records of the list /lead-lists may be missing: several pages with one timestamp each.",
    ]


def test_pages_are_fetched_when_they_are_asked_for(api: Server, client: InstantlyClient) -> None:
    pages = client.pages("/leads/list", method="POST")
    next(pages)
    assert len(api.control.requests()) == 1


def test_cursor_is_sent_in_get_queries_and_post_bodies(api: Server, client: InstantlyClient) -> None:
    list(client.list_accounts())
    list(client.list_leads())
    requests = api.control.requests()
    first_accounts, second_accounts, *_ = [r for r in requests if r["path"] == "/api/v2/accounts"]
    assert "starting_after" not in first_accounts["query"]
    assert second_accounts["query"]["starting_after"]
    first_leads, second_leads, *_ = [r for r in requests if r["path"] == "/api/v2/leads/list"]
    assert first_leads["body"] == {"limit": 100}
    assert second_leads["body"]["starting_after"]
    assert not second_leads["query"]


def test_list_ends_at_the_empty_page_after_the_last_cursor(api: Server, client: InstantlyClient) -> None:
    assert [len(page) for page in client.pages("/campaigns")] == [len(list(api.control.truth("campaigns"))), 0]


def test_last_record_of_a_time_ordered_list_comes_alone(api: Server, client: InstantlyClient) -> None:
    # Other records with the same time behind the page would go unnoticed otherwise.
    assert [len(page) for page in client.pages("/lead-lists")] == [4, 1, 0]


@pytest.mark.parametrize("fault", [{"kind": "repeat_cursor", "after": 1}, {"kind": "cursor_loop"}])
def test_a_cursor_seen_before_ends_the_list_with_an_error(
    api: Server, client: InstantlyClient, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    api.control.fault("/api/v2/leads/list", count=None, **fault)
    with caplog.at_level(logging.ERROR), pytest.raises(InstantlyAPIError, match=r": repeated cursor\."):
        list(islice(client.list_leads(), 10_000))
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "The list /api/v2/leads/list repeated a cursor; reading stopped there, and later records may be missing."
    ]


def test_an_empty_string_as_cursor_is_the_end(api: Server, client: InstantlyClient) -> None:
    page = {"items": [{"id": "1"}], "next_starting_after": ""}
    api.control.fault("/api/v2/campaigns", "status", status=200, body=page)
    assert list(client.list_campaigns()) == [{"id": "1"}]


def test_non_text_cursor_is_sent_back_unchanged(api: Server, client: InstantlyClient) -> None:
    page = {"items": [{"id": "1"}], "next_starting_after": {"odd": 1}}
    api.control.fault("/api/v2/lead-lists", "status", status=200, body=page)
    with pytest.raises(InstantlyAPIError, match="bad request"):
        list(client.list_lead_lists())


def test_answer_without_items_is_requested_again(api: Server, client: InstantlyClient) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=200, body={})
    assert [c["id"] for c in client.list_campaigns()] == [c["id"] for c in api.control.truth("campaigns")]


def test_non_array_answer_is_an_error(api: Server, client: InstantlyClient) -> None:
    api.control.fault("/api/v2/campaigns/analytics", "status", status=200, body={"unexpected": 1}, count=None)
    with pytest.raises(InstantlyAPIError) as caught:
        client.campaign_analytics(["one"])
    assert caught.value.kind is ErrorKind.MALFORMED
    assert caught.value.message == "the response is not an array"


def test_error_of_a_post_list_names_post_and_path(api: Server, client: InstantlyClient) -> None:
    api.control.fault("/api/v2/leads/list", "status", status=200, body={}, count=None)
    with pytest.raises(InstantlyAPIError, match=r"^POST /api/v2/leads/list answered 200 "):
        list(client.list_leads())


# Pages in an answer


def answering(data: object, query: str = "", status: int = 200) -> Answer:
    """Return an answer to a request for lead lists."""
    return Answer("GET", f"https://api.example/api/v2/lead-lists{query}", status, {}, data)


NO_PAGES: tuple[Any, ...] = ({"unexpected": True}, {}, [], 7, "text", None, UNREADABLE)
NO_PAGES += tuple({"items": found} for found in (None, {}, [None], ["text"], [1, 2]))


@pytest.mark.parametrize("data", NO_PAGES)
def test_answer_without_items_is_an_error_and_never_an_empty_list(data: object) -> None:
    with pytest.raises(InstantlyAPIError) as caught:
        items(answering(data, status=204))
    error = caught.value
    assert (error.kind, error.status) == (ErrorKind.MALFORMED, 204)
    assert (error.method, error.path) == ("GET", "/api/v2/lead-lists")
    assert error.message == "the response is not a page of a list"


@pytest.mark.parametrize("query", ["", "?limit=9"])
@pytest.mark.parametrize("others", [(), (7, None), (7,) * 100], ids=["none", "two", "many"])
def test_non_object_items_are_discarded_counted_and_logged_once(
    query: str, others: tuple[object, ...], caplog: pytest.LogCaptureFixture
) -> None:
    page = items(answering({"items": [{"id": "1"}, *others, {"id": "2"}]}, query))
    assert page.records == [{"id": "1"}, {"id": "2"}]
    assert page.rejected == len(others)
    places = str(list(range(1, len(others) + 1)))[:100]
    said = f"Discarded items of /api/v2/lead-lists that are not objects, at positions {places}."
    assert caplog.messages == [said] * bool(others)


# Pages to abandon if the cursor is a time


A, B, C = (f"2026-10-0{day}T00:00:00.000Z" for day in (1, 2, 3))


def page_of(times: tuple[object, ...], cursor: object, query: str = "") -> Page:
    """Return a page with a record for each time, and an invalid record for each number."""
    found = [time if isinstance(time, int) else {"id": f"id {at}", "at": time} for at, time in enumerate(times)]
    return items(answering({"items": found, "next_starting_after": cursor}, query))


@pytest.mark.parametrize(
    ("times", "cursor", "kept", "following"),
    [
        ((A, B, C), C, 2, B),
        ((C, B, A), A, 2, B),
        ((A, B, B), B, 1, A),
        ((C, A, A), A, 1, C),
        ((B, B), B, 2, B),
        ((B, A, C), C, 3, C),
        ((A, None, C), C, 3, C),
        ((A, B), C, 2, C),
        ((A, B), "id 1", 2, "id 1"),
        ((A, B), f"{B} id 1", 2, f"{B} id 1"),
        ((), C, 0, C),
        ((A, B), None, 2, None),
    ],
    ids=[
        "ascending",
        "descending",
        "two of the last time",
        "two of the last time, descending",
        "one time alone",
        "in no order",
        "a record without a time",
        "a time of no record",
        "an id",
        "a time and an id",
        "no records",
        "no cursor",
    ],
)
def test_last_timestamp_of_a_page_is_left_to_the_next_page(
    times: tuple[str | None, ...], cursor: str | None, kept: int, following: str | None
) -> None:
    page = page_of(times, cursor)
    assert page.records == [{"id": f"id {at}", "at": time} for at, time in enumerate(times[:kept])]
    assert len(page) == kept
    assert page.came == len(times)
    assert page.cursor == following


@pytest.mark.parametrize(
    ("times", "query", "missing"),
    [
        ((B, B), "?limit=2", "one timestamp fills a page"),
        ((B, 7), "?limit=2", "one timestamp fills a page"),
        ((B, B), "?limit=3", None),
        ((B, B), "", None),
        ((B,), "?limit=1", None),
        ((A, B), "?limit=2", None),
    ],
)
def test_records_are_missing_when_one_timestamp_fills_a_full_page(
    times: tuple[object, ...], query: str, missing: str | None
) -> None:
    paginator = StartingAfterPaginator()
    page = paginator.take(page_of(times, B, query))
    assert page.missing == paginator.missing == missing
    assert not paginator.finished


def test_paginator_doubts_completeness_after_a_page_with_one_timestamp() -> None:
    paginator = StartingAfterPaginator()
    for times, cursor, doubt in [
        ((A, B), B, None),
        ((B,), B, None),
        ((C,), C, "several pages with one timestamp each"),
        ((), None, "several pages with one timestamp each"),
    ]:
        page = paginator.take(page_of(times, cursor, "?limit=9"))
        assert page.doubt == paginator.doubt == doubt
    assert paginator.missing is None


def test_unusable_cursor_is_an_error_and_the_page_is_kept() -> None:
    page = page_of((A, B), Odd(r"\u0000"))
    assert len(page) == 2
    assert page.error is not None
    assert page.error.message == "the response is a page with a cursor that is not a string"
