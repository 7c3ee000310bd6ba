"""Command line of the sandbox: python -m sandbox."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sandbox.clock import parse_day
from sandbox.config import ApiKey, Behaviour, SandboxConfig
from sandbox.server import address_of, listen, make_server
from sandbox.state import State

KEY = "NAME[@WORKSPACE][=SCOPE,...]"
MEANING = {"days": "days of history", "seed": "seed of the invented data"}


def _day(text: str) -> str:
    parse_day(text)
    return text


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    sizes, behaviour = SandboxConfig(), Behaviour()
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Serve an imitation of the Instantly.ai API v2, with invented data."
    )

    def add(name: str, text: str, **more: Any) -> None:
        shown = " (default: %(default)s)" if "default" in more and "action" not in more else ""
        parser.add_argument(name, help=text + shown, **more)

    for name in ("workspaces", "campaigns", "accounts", "leads", "lead-lists", "emails", "days", "seed"):
        usual = getattr(sizes, name.replace("-", "_"))
        add(f"--{name}", MEANING.get(name, "number to create"), type=int, default=usual)
    switch, share = {"action": argparse.BooleanOptionalAction}, {"type": float, "metavar": "P"}
    add("--host", "address to listen on", default="127.0.0.1")
    add("--port", "port to listen on; 0 selects a free one", type=int, default=8765)
    add("--allow-remote", "allow a --host that other machines can reach", action="store_true")
    add("--until", "last day of the data, YYYY-MM-DD (default: today in UTC)", type=_day)
    add("--list-ties", "give lead lists equal creation times, in pairs", action="store_true")
    add("--latency-ms", "delay of each response in milliseconds", type=float, default=behaviour.latency_ms)
    add("--rate-limit", "limit requests to 100 a second and 6,000 a minute", default=False, **switch)
    add("--retry-after", "value of Retry-After in 429 responses", type=int, metavar="SECONDS")
    add("--short-pages", "probability that a page is shorter than its limit", default=0.0, **share)
    add("--inbox-placement", "include the Inbox Placement plan", default=True, **switch)
    stray = "share of placement results that belong to another test"
    add("--stray-placement-rows", stray, default=behaviour.stray_placement_rows, **share)
    add("--scope-error-status", "status for a missing scope", type=int, choices=(401, 403), default=401)
    keys: dict[str, Any] = {"action": "append", "default": [], "metavar": KEY}
    add("--key", "an API key; repeatable", **keys)
    add("--unpaid-key", "an API key whose workspace has no plan; repeatable", **keys)
    return parser


def make_config(options: argparse.Namespace) -> SandboxConfig:
    """Turn options into a configuration."""
    keys = [ApiKey.parse(text) for text in options.key]
    keys += [ApiKey.parse(text, paid=False) for text in options.unpaid_key]
    given = vars(options)
    sizes = {field.name: given[field.name] for field in fields(SandboxConfig) if field.name in given}
    behaviour = Behaviour(**{field.name: given[field.name] for field in fields(Behaviour) if field.name in given})
    named = {key.name for key in keys}
    # The first key is the announced one. The standard keys exist besides the requested ones.
    keys += [key for key in SandboxConfig().keys if key.name not in named]
    return SandboxConfig(**sizes, behaviour=behaviour, keys=tuple(keys))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox as a process."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        config = make_config(options)
        listener = listen(options.host, options.port, allow_remote=options.allow_remote)
    except OSError as error:
        reason = f"cannot listen on port {options.port}: {error.strerror or error}"
        parser.exit(2, f"sandbox: {reason}; give another --port\n")
    except ValueError as error:
        parser.exit(2, f"sandbox: {error}\n")
    state = State(config)
    # The socket already listens, so early connections are answered once the loop runs.
    first, *others = state.keys.values()
    lines = [f"listening on {address_of(listener)}", f"API key {first.secret}"]
    if own := [key.secret for key in others if key.name == key.workspace]:
        lines.append(f"API keys of further workspaces {' to '.join(dict.fromkeys((own[0], own[-1])))}")
    sys.stdout.write("".join(f"sandbox: {line}\n" for line in lines))
    sys.stdout.flush()
    with listener, contextlib.suppress(KeyboardInterrupt):
        make_server(state).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
