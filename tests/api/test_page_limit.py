from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly import ErrorKind, InstantlyAPIError
from tap_instantly.client.page_size import PERHAPS_TOO_MUCH, PageSize

if TYPE_CHECKING:
    from tap_instantly.client.retry import Retry

Asked = list[tuple[int, bool]]
"""Requested limits, each with whether it is retried as usual."""


def error(kind: ErrorKind) -> InstantlyAPIError:
    return InstantlyAPIError(None, "GET", "/list", kind=kind)


def read(length: int, most: int, works: int, poisoned: frozenset[int] = frozenset()) -> tuple[int, Asked]:
    """Walk a list that refuses pages of more than ``works`` records, and poisoned records except alone."""
    limit, asked, at = PageSize(most), Asked(), 0

    def ask(records: int, retry: Retry | None) -> int:
        asked.append((records, retry is None))
        page = range(at, min(at + records, length))
        if records > works or (records > 1 and poisoned.intersection(page)):
            raise error(ErrorKind.SERVER)
        return len(page)

    while at < length:
        at += limit.try_sizes(ask)
    return at, asked


@given(st.integers(0, 300), st.integers(1, 100), st.integers(1, 100), st.frozensets(st.integers(0, 300), max_size=3))
def test_everything_is_read_with_any_working_page_size(
    length: int, most: int, works: int, poisoned: frozenset[int]
) -> None:
    read_up_to, asked = read(length, most, works, poisoned)
    assert read_up_to == length
    assert all(1 <= limit <= most for limit, _ in asked)


def test_list_limited_to_small_pages_costs_few_extra_requests() -> None:
    _, asked = read(10_000, most=100, works=50)
    assert [limit for limit, _ in asked[:3]] == [100, 50, 100]
    assert len(asked) - 10_000 / 50 < 10


def test_full_pages_are_retried_after_doubling_numbers_of_good_pages() -> None:
    _, asked = read(100 * 50, most=100, works=50)
    full = [at for at, (limit, _) in enumerate(asked) if limit == 100]
    assert [later - earlier - 1 for earlier, later in pairwise(full)] == [1, 2, 4, 8, 16, 32]


def test_after_a_bad_spot_pages_grow_to_their_full_size_again() -> None:
    _, asked = read(1000, most=100, works=100, poisoned=frozenset({150}))
    assert 1 in {limit for limit, _ in asked}
    assert [limit for limit, _ in asked[-3:]] == [100] * 3


def test_only_the_last_working_size_gets_normal_retries() -> None:
    _, asked = read(600, most=100, works=50)
    assert asked[0] == (100, True)
    assert [retried for limit, retried in asked[1:] if limit == 100] == [False] * sum(n == 100 for n, _ in asked[1:])
    assert [retried for limit, retried in asked if limit == 50][1:] == [True] * (sum(n == 50 for n, _ in asked) - 1)


@pytest.mark.parametrize("kind", sorted(set(ErrorKind) - PERHAPS_TOO_MUCH))
def test_errors_unrelated_to_page_size_are_raised_immediately(kind: ErrorKind) -> None:
    asked = []

    def ask(records: int, _retry: Retry | None) -> None:
        asked.append(records)
        raise error(kind)

    with pytest.raises(InstantlyAPIError):
        PageSize(100).try_sizes(ask)
    assert asked == [100]


def test_the_error_of_a_single_record_is_raised() -> None:
    asked = []

    def ask(records: int, _retry: Retry | None) -> None:
        asked.append(records)
        raise error(ErrorKind.SERVER)

    with pytest.raises(InstantlyAPIError):
        PageSize(20).try_sizes(ask)
    assert asked == [20, 10, 5, 2, 1]
