"""Missing data: reasons not to call records deleted, and the error of a run that lacks required data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_instantly.client.errors import SKIPPED_KINDS, InstantlyAPIError, InstantlyError
from tap_instantly.sync.outcome import GAPS, POSSIBLY_INCOMPLETE, Outcome
from tap_instantly.sync.state import CONTEXT, WORKSPACE_ID
from tap_instantly.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_instantly.streams.base import InstantlyStream
    from tap_instantly.sync.counts import Counts

NOT_LOADED = ("without_key", "too_deep", "no_records")
"""Counts of rejected and discarded records."""


def doubts(stream: InstantlyStream) -> Iterator[str]:
    """Yield the reasons, other than a deletion, why a record of a stream may be missing."""
    counts, workspaces = stream.counts, stream.workspaces
    for gap in GAPS:
        yield from (f"{gap.replace('_', ' ')} in {entry}" for entry in counts.remarks(gap))
    yield from (f"workspace {name} failed" for name in workspaces.failed)
    if not workspaces.failed:
        read = {workspace.id for workspace in workspaces}
        known = (part[CONTEXT][WORKSPACE_ID] for part in stream.state_manager.get_state_partitions() or ())
        others = (excerpt(id_) for id_ in known if id_ not in read)
        yield from (f"workspace {other} of the state was not read" for other in others)
    if records := sum(stream.shaper.oddities[name] for name in NOT_LOADED):
        yield f"{records} records could not be loaded"
    if items := workspaces.unusable:
        yield f"{items} entries of parent lists could not be used"


class IncompleteError(InstantlyError):
    """The run ended, but some selected data could not be read. Another run may read it."""


class RefusedError(IncompleteError):
    """The key or the plan does not cover the rest, so another run cannot read more."""


def strictness(config: Mapping[str, Any]) -> Callable[[str | None], bool]:
    """Return the function that gives the setting ``strict`` of a workspace by its name in the settings."""
    own = {entry["name"]: entry["strict"] for entry in config.get("workspaces") or () if "strict" in entry}
    return lambda name: bool(own.get(name, config["strict"]))


def check_complete(
    counts: Mapping[str, Counts], failed: Mapping[str, InstantlyError], strict: Callable[[str | None], bool]
) -> None:
    """Raise an error if required data is missing.

    Args:
        counts: Counts of the streams, by name.
        failed: Errors of the workspaces that were not opened or were abandoned, by name.
        strict: Returns True if data that the key or the plan of a workspace does not cover is required.

    Raises:
        IncompleteError: Another run may read some of it.
        RefusedError: Another run would not.
    """
    refused = {name for name, error in failed.items() if _is_refusal(error)}
    may_pass = _entries(counts, Outcome.INCOMPLETE.value, lambda _: True)
    may_pass += [f"workspace {name}" for name in failed if name not in refused]
    may_pass += _entries(counts, POSSIBLY_INCOMPLETE, strict)
    stays = [f"workspace {name}" for name in failed if name in refused and strict(name)]
    stays += _entries(counts, Outcome.SKIPPED.value, strict)
    if not (may_pass or stays):
        return
    message = f"Sync incomplete: {'; '.join([*may_pass, *stays])}. All other data was read. See the reasons above."
    if may_pass:
        raise IncompleteError(message)
    message += " Another run cannot read more: extend the key or the plan, or set strict to false for the workspace."
    raise RefusedError(message)


def _is_refusal(error: InstantlyError) -> bool:
    return not isinstance(error, InstantlyAPIError) or error.kind in SKIPPED_KINDS


def _entries(counts: Mapping[str, Counts], remark: str, of: Callable[[str | None], bool]) -> list[str]:
    found = {name: counted.remarks(remark, of) for name, counted in counts.items()}
    return [f"{name} ({', '.join(entries)})" for name, entries in found.items() if entries]
