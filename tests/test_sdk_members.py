"""Check that the tap touches only the private and final SDK members that a document justifies."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_instantly.client import StartingAfterPaginator
from tap_instantly.streams import STREAMS
from tap_instantly.sync.state import PartitionStates
from tap_instantly.sync.stream_maps import StreamMaps
from tap_instantly.sync.writer import BufferedWriter
from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path("docs/architecture.md").read_text(encoding="utf-8")
FINAL = re.compile(r"@(?:t\.)?final\n(?: *@.*\n)* *def (\w+)")
PRIVATE = re.compile(r"(?:self\.|def |^ +)(_[a-z]\w*)\b", re.MULTILINE)


@cache
def of_the_sdk(base: type) -> tuple[set[str], set[str]]:
    """Return the final and the private names of a class of the SDK."""
    source = inspect.getsource(base)
    return set(FINAL.findall(source)), set(PRIVATE.findall(source))


@cache
def of_the_tap(base: type) -> tuple[set[str], set[str]]:
    """Return the names that a class of the tap defines and uses."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return defined, {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def touched(kind: type) -> Iterator[str]:
    """Return the names that a class, or one between it and the SDK, overrides or uses and should not."""
    theirs = [of_the_sdk(base) for base in kind.__mro__ if base.__module__.startswith("singer_sdk")]
    final, private = (set().union(*names) for names in zip(*theirs, strict=True))
    for base in kind.__mro__:
        if base.__module__.startswith("tap_instantly"):
            defined, used = of_the_tap(base)
            yield from (defined | used) & private | defined & final


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("Tap", [TapInstantly]),
        ("Stream", STREAMS),
        ("StreamStateManager", [PartitionStates]),
        ("", [StreamMaps, BufferedWriter, StartingAfterPaginator]),
    ],
)
def test_unstable_sdk_members_are_listed_with_their_reason(name: str, kinds: list[type]) -> None:
    listed = set(re.findall(rf"^\| `{name}\.(\w+)` \|", PAGE, re.MULTILINE)) if name else set()
    assert {member for kind in kinds for member in touched(kind)} == listed


def test_streams_are_at_most_three_classes_from_the_sdk() -> None:
    for stream in STREAMS:
        assert sum(base.__module__.startswith("tap_instantly") for base in stream.__mro__[1:]) <= 3, stream.name
