"""Check at the end of a run that all required data was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_instantly.client.errors import SKIPPED_KINDS, InstantlyAPIError, InstantlyError
from tap_instantly.sync.outcome import POSSIBLY_INCOMPLETE, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_instantly.sync.counts import Counts


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
