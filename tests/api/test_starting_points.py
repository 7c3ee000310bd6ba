"""Passes over a list that begin where an earlier pass found ranges of equal length."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly.sync.scan import Scan
from tap_instantly.sync.starting_points import SHORT, StartingPoints, ranges_between
from tests.api.test_scan import DISTRIBUTIONS, LISTS, SimulatedList, Walkers, pages_of, random_ids
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_instantly.sync.scan import Bounds

    Ids = Callable[[random.Random, int], list[str]]

PREMISE_AND_END = 2
"""Requests in addition to the pages: one tests the premise, and one meets the end of the list."""


def first_pass(simulated: SimulatedList) -> list[Bounds] | None:
    scan = simulated.scan()
    Walkers(simulated, scan, 8, hurry=True).finish()
    simulated.requests = 0
    return ranges_between(scan.starting_points())


def next_pass(simulated: SimulatedList, plan: list[Bounds] | None, walkers: int = 32) -> Walkers:
    scan = Scan(simulated.fetch, simulated.page_size, simulated.plainly, plan=plan)
    return Walkers(simulated, scan, walkers, hurry=True)


@examples(60)
@given(simulated=LISTS, walkers=st.integers(1, 8), data=st.data())
def test_next_pass_reads_each_record_once_despite_changes(
    simulated: SimulatedList, walkers: int, data: st.DataObject
) -> None:
    plan = first_pass(simulated)
    rng = simulated.rng
    kept = [each for each in simulated.ids if rng.random() < data.draw(st.sampled_from([0.0, 0.5, 0.97, 1.0]))]
    simulated.ids = sorted(kept + random_ids(rng, data.draw(st.integers(0, 300))))
    assert sorted(next_pass(simulated, plan, walkers).finish()) == simulated.ids


@pytest.mark.parametrize("ids", DISTRIBUTIONS)
def test_unchanged_list_costs_no_extra_request_for_its_ranges(ids: Ids) -> None:
    rng = random.Random(4)
    simulated = SimulatedList(ids(rng, 3_003), 10, rng)
    passed = next_pass(simulated, first_pass(simulated))
    assert passed.finish()
    assert passed.begun == 20
    assert simulated.requests <= pages_of(simulated) + PREMISE_AND_END


def test_a_list_that_has_grown_much_is_split_again() -> None:
    rng = random.Random(4)
    simulated = SimulatedList(sorted(random_ids(rng, 2_000))[:600], 10, rng)
    plan = first_pass(simulated)
    simulated.ids = sorted({*simulated.ids, *(each for each in random_ids(rng, 20_000) if each > simulated.ids[-1])})
    passed = next_pass(simulated, plan)
    assert len(passed.finish()) == len(simulated.ids)
    assert plan
    assert passed.begun > len(plan)


def test_a_list_of_a_few_pages_has_no_starting_points() -> None:
    simulated = SimulatedList(random_ids(random.Random(4), 50), 10, random.Random(4))
    assert first_pass(simulated) is None


def test_a_long_list_is_divided_at_ends_of_pages() -> None:
    points, size = StartingPoints(100), 2 * SHORT
    ids = [f"{number:08d}" for number in range(size)]
    for start in range(0, size, 100):
        points.add(ids[start : start + 100])
    places = [int(each) + 1 for each in points.chosen()]
    assert len(places) == 31
    assert all(abs(place - size * at / 32) <= 100 for at, place in enumerate(places, 1))


@pytest.mark.parametrize(
    "points",
    [
        None,
        {},
        "text",
        [],
        [None],
        ["no id"],
        ["0199e000-0000-7000-8000-000000000001", 5],
        ["0199e000-0000-7000-8000-000000000002", "0199e000-0000-7000-8000-000000000001"],
    ],
)
def test_damaged_starting_points_are_ignored(points: object) -> None:
    assert ranges_between(points) is None
