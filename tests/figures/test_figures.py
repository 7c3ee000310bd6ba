"""Marts and report over workspaces that nobody would wish for are what is counted in another way, in both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.figures.building import wrong
from tests.figures.comparing import Compared
from tests.figures.world import World
from tests.warehouse.postgres import running

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = "hard"
KINDS = ("busy", "stopped", "late", "stale", "unloaded", "silent", "hashed")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    with running() as server, server.database("figures") as database:
        yield Compared(World(SEED, KINDS), tmp_path_factory.mktemp("figures"), server, database)


def test_the_world_is_hard(compared: Compared) -> None:
    truth = compared.truth
    assert len(truth.workspaces) >= 6
    assert len({row["campaign_id"] for row in truth.streams["campaign_analytics"]}) >= 9
    assert {reason for *_, reason in truth.odd} >= {"a figure is below zero", "its day is before there was Instantly"}
    assert len({truth.as_of(workspace) for workspace in truth.workspaces}) > 2
    assert compared.count > 3000


def test_every_figure_of_the_marts_is_what_is_counted(compared: Compared) -> None:
    assert compared.wrong_in_marts() == []


def test_every_figure_of_the_page_is_what_is_counted(compared: Compared) -> None:
    assert compared.wrong_on_page() == []


def test_both_databases_have_the_same_marts_and_the_same_page(compared: Compared) -> None:
    assert compared.wrong_in_databases() == []


def test_a_figure_that_is_another_or_missing_is_found(compared: Compared) -> None:
    found = compared.built.figures()
    key = next(key for key, value in compared.marts.items() if value == 0 and key[-1] == "sent_count")
    for other in (None, 1):
        assert len(list(wrong({**found, key: other}, compared.marts))) == 1
    assert len(list(wrong({name: found[name] for name in found if name != key}, compared.marts))) == 1
