"""The rate limits of a workspace on a simulated clock: hours pass at once, and every run is the same."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly.client.rate_limit import RECOVERY_START, REQUESTS_PER_SECOND, Budget
from tests.api.simulated_time import REAL, World, simulated_time
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Callable

LEADS = "/leads/list"
EMAILS = "/emails"

MILLISECOND = 0.001
"""The limiter's resolution: a window may be this much too short."""

FULL = 0.85 * REQUESTS_PER_SECOND
"""Least requests in any second at the full rate, which arrives in tenths of a second."""

BUSY = 0.3
"""Seconds per request; 40 at a time could exceed the default rate."""

EMAILS_A_MINUTE = 20
"""Requests that the official document allows."""

EMAILS_INTERVAL, EMAILS_PAUSE = REAL["EMAILS_INTERVAL"], REAL["EMAILS_PAUSE_AFTER_429"]
PAUSE, RECOVERY = REAL["PAUSE_AFTER_429"], REAL["RECOVERY_SECONDS"]


def most_in_a_second(times: list[float], late: float = 0.0) -> int:
    """Return the most of these ascending times in one second, shortened by the lateness of requests.

    The limiter reckons with the planned wake-up time, not with the actual one.
    """
    return max(bisect_left(times, begin + 1 - late - MILLISECOND) - at for at, begin in enumerate(times))


def between(times: list[float], begin: float, end: float) -> int:
    return bisect_left(times, end) - bisect_right(times, begin)


class Workers:
    """Readers of one workspace that send request after request.

    Args:
        number: Number of concurrent readers.
        until: Time to stop at.
        busy: Seconds per request.
    """

    def __init__(
        self, world: World, budget: Budget, number: int, until: float, *, path: str = LEADS, busy: float = BUSY
    ) -> None:
        self.sent: list[float] = []
        self.works = [self._work] * number
        self._world, self._budget, self._until, self._path, self._busy = world, budget, until, path, busy

    def _work(self) -> None:
        while self._world.now < self._until:
            self._budget.acquire(self._path)
            self.sent.append(self._world.now)
            self._world.sleep(self._busy)


def at(world: World, seconds: float, do: Callable[[], object]) -> Callable[[], object]:
    """An action at a given time."""

    def work() -> None:
        world.sleep(seconds - world.now)
        do()

    return work


# The rate


@examples(60)
@given(
    rate=st.integers(1, 300),
    pauses=st.lists(st.floats(0, 2), max_size=100),
    workers=st.integers(1, 40),
    busy=st.sampled_from([0.0001, 0.013, 0.3]),
    late=st.sampled_from([0.0, 0.01, 0.05]),
)
def test_requests_per_second_never_exceed_the_setting(
    rate: int, pauses: list[float], workers: int, busy: float, late: float
) -> None:
    now_and_then: list[float] = []
    rng = random.Random(rate)
    with simulated_time(oversleep=lambda: rng.uniform(0, late)) as world:
        budget = Budget(rate)

        def work() -> None:
            for pause in pauses:
                world.sleep(pause)
                budget.acquire(LEADS)
                now_and_then.append(world.now)

        others = Workers(world, budget, workers, world.now + 4, busy=busy)
        world.run(work, *others.works)
    assert len(now_and_then) == len(pauses)
    assert others.sent
    assert most_in_a_second(sorted(now_and_then + others.sent), 2 * late) <= rate  # a request may wait for two rates


@pytest.mark.parametrize("rate", [1, 2, 9, 11, 100])
def test_enough_readers_nearly_reach_the_allowed_rate(rate: int) -> None:
    with simulated_time() as world:
        begin = world.now
        readers = Workers(world, Budget(rate), 400, begin + 6)
        world.run(*readers.works)
    assert 0.9 * rate <= between(readers.sent, begin + 0.5, begin + 5.5) / 5 <= rate


def test_requests_are_spread_over_the_second() -> None:
    with simulated_time() as world:
        begin = world.now
        readers = Workers(world, Budget(), 100, begin + 10)
        world.run(*readers.works)
    tenths = [between(readers.sent, begin + n / 10, begin + (n + 1) / 10) for n in range(10, 100)]
    assert max(tenths) <= REQUESTS_PER_SECOND / 10


class Server:
    """Count requests by second, and refuse those above the limit."""

    def __init__(self, world: World, allowed: int = 100) -> None:
        self.refused = 0
        self._world = world
        self._allowed = allowed
        self._arrived: list[float] = []

    def receive(self) -> None:
        self._arrived.append(self._world.now)
        self.refused += between(self._arrived, self._world.now - 1, self._world.now) + 1 > self._allowed


def refused_of_a_minute(rate: int, seed: int) -> int:
    """Count refused requests on a network that stalls now and then for a tenth of a second."""
    rng = random.Random(seed)
    with simulated_time(oversleep=lambda: rng.uniform(0, 0.01)) as world:
        server, budget, until = Server(world), Budget(rate), world.now + 60

        def work() -> None:
            while world.now < until:
                budget.acquire(LEADS)
                world.sleep(max(0.02, 0.1 - world.now % 3))
                server.receive()
                world.sleep(rng.uniform(0.0, 0.5))

        world.run(*[work] * 60)
    return server.refused


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
def test_default_rate_is_never_refused_at_100_requests_per_second(seed: int) -> None:
    assert refused_of_a_minute(REQUESTS_PER_SECOND, seed) == 0
    assert refused_of_a_minute(100, seed) > 0  # the reason for a lower default


@pytest.mark.parametrize(("readers", "spent"), [(5, False), (20, False), (60, True)])
def test_budget_is_spent_when_more_readers_would_only_wait(readers: int, *, spent: bool) -> None:
    with simulated_time() as world:
        budget = Budget()
        assert not budget.spent
        world.run(*Workers(world, budget, readers, world.now + 5).works)
        assert budget.spent is spent


def test_budget_is_no_longer_spent_when_requests_become_few() -> None:
    with simulated_time() as world:
        budget = Budget()
        world.run(*Workers(world, budget, 60, world.now + 5).works)
        world.run(*Workers(world, budget, 1, world.now + 2).works)
        assert not budget.spent


# Turns


@examples(60)
@given(
    rate=st.integers(1, 100),
    asked=st.lists(st.integers(0, 500).map(lambda n: n / 1000), min_size=2, max_size=60, unique=True),
    refused=st.booleans(),
)
def test_requests_are_served_in_order(rate: int, asked: list[float], *, refused: bool) -> None:
    served: list[float] = []
    with simulated_time() as world:
        budget, begin = Budget(rate), world.now
        if refused:
            budget.pause(LEADS)

        def ask(when: float) -> Callable[[], object]:
            def acquire() -> None:
                budget.acquire(LEADS)
                served.append(when)

            return at(world, begin + when, acquire)

        world.run(*map(ask, asked))
    assert served == sorted(asked)


# After a 429


def test_requests_resume_gradually_after_a_429() -> None:
    with simulated_time() as world:
        budget, refused = Budget(), world.now + 5
        readers = Workers(world, budget, 100, refused + 30)
        world.run(at(world, refused, lambda: budget.pause(LEADS)), *readers.works)
    again = refused + PAUSE
    assert between(readers.sent, refused - 2, refused - 1) > FULL
    assert between(readers.sent, refused, again - MILLISECOND) == 0
    seconds = [between(readers.sent, again + n, again + n + 1) for n in range(int(RECOVERY) + 5)]
    shares = [RECOVERY_START + (1 - RECOVERY_START) * n / RECOVERY for n in range(int(RECOVERY) + 1)]
    for count, low, high in zip(seconds, shares, shares[1:], strict=False):
        assert 0.9 * low * REQUESTS_PER_SECOND - 1 <= count <= high * REQUESTS_PER_SECOND + 1
    assert min(seconds[int(RECOVERY) :]) > FULL


@pytest.mark.parametrize(("path", "interval"), [(LEADS, PAUSE), (EMAILS, EMAILS_PAUSE)])
@pytest.mark.parametrize("asked", [None, 0.0, 0.2, 90.0])
def test_pause_honours_retry_after_and_lasts_a_minute_for_emails(
    path: str, interval: float, asked: float | None
) -> None:
    with simulated_time() as world:
        budget, begin = Budget(), world.now
        budget.pause(path, asked)
        reader = Workers(world, budget, 1, begin + 0.1, path=path)
        world.run(*reader.works)
    expected = max(asked or 0, interval) if path == EMAILS else asked or interval
    assert reader.sent == pytest.approx([begin + expected], abs=0.01)


def test_a_second_429_does_not_shorten_the_pause_of_the_first() -> None:
    with simulated_time() as world:
        budget, begin = Budget(), world.now
        reader = Workers(world, budget, 1, begin + 0.1)
        budget.pause(LEADS, 20)
        world.run(at(world, begin + 1, lambda: budget.pause(LEADS)), *reader.works)
    assert reader.sent == pytest.approx([begin + 20], abs=0.01)


def test_second_429_during_recovery_restarts_the_recovery() -> None:
    with simulated_time() as world:
        budget, begin = Budget(), world.now
        budget.pause(LEADS)
        second = begin + PAUSE + RECOVERY - 1
        readers = Workers(world, budget, 100, second + 15)
        world.run(at(world, second, lambda: budget.pause(LEADS)), *readers.works)
    assert between(readers.sent, second - 1, second) > 0.7 * REQUESTS_PER_SECOND
    assert between(readers.sent, second, second + PAUSE - MILLISECOND) == 0
    assert between(readers.sent, second + PAUSE, second + PAUSE + 1) < 0.4 * REQUESTS_PER_SECOND


# E-mails


def test_email_requests_have_their_own_pace_and_slow_nothing_else() -> None:
    with simulated_time() as world:
        budget, begin = Budget(), world.now
        e_mails = Workers(world, budget, 3, begin + 120, path=EMAILS)
        leads = Workers(world, budget, 100, begin + 120)
        world.run(*e_mails.works, *leads.works)
    minutes = [between(e_mails.sent, when - MILLISECOND, when + 60) for when in e_mails.sent]
    assert max(minutes) <= EMAILS_A_MINUTE
    assert between(e_mails.sent, begin, begin + 120) >= 0.9 * 120 / EMAILS_INTERVAL
    assert between(leads.sent, begin + 1, begin + 119) / 118 > FULL


def test_429_on_emails_pauses_only_email_requests() -> None:
    with simulated_time() as world:
        budget, refused = Budget(), world.now + 20
        e_mails = Workers(world, budget, 2, refused + 200, path=EMAILS)
        leads = Workers(world, budget, 100, refused + 80)
        world.run(at(world, refused, lambda: budget.pause(EMAILS)), *e_mails.works, *leads.works)
    assert between(e_mails.sent, refused, refused + EMAILS_PAUSE - MILLISECOND) == 0
    assert between(e_mails.sent, refused + EMAILS_PAUSE - MILLISECOND, refused + 200) > 20
    assert between(leads.sent, refused, refused + EMAILS_PAUSE) / EMAILS_PAUSE > FULL


def test_other_429_also_pauses_email_requests() -> None:
    with simulated_time() as world:
        budget, begin = Budget(), world.now
        budget.pause(LEADS, 30)
        e_mails = Workers(world, budget, 2, begin + 60, path=EMAILS)
        world.run(*e_mails.works)
    assert e_mails.sent[0] >= begin + 30
