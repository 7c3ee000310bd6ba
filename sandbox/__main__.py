"""The command line: python -m sandbox."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

from sandbox.clock import parse_day
from sandbox.config import ApiKey, Manners, SandboxConfig
from sandbox.server import address_of, listen, make_server
from sandbox.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket

    import uvicorn

KEY = "NAME[@WORKSPACE][=SCOPE,...]"


def _day(text: str) -> str:
    parse_day(text)
    return text


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    standard, manners = SandboxConfig(), Manners()
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="An imitation of the Instantly.ai API v2.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8765, help="port; 0 picks a free one (default: %(default)s)")
    add("--allow-remote", action="store_true", help="allow an address that other machines can reach")
    for name in ("workspaces", "campaigns", "accounts", "leads", "lead-lists", "emails", "days", "seed"):
        add(f"--{name}", type=int, default=getattr(standard, name.replace("-", "_")), help="(default: %(default)s)")
    add("--until", type=_day, help="last day with data, YYYY-MM-DD (default: today in UTC)")
    add("--list-ties", action="store_true", help="let lead lists share creation times in pairs")
    add("--latency-ms", type=float, default=manners.latency_ms, help="delay of every answer")
    add("--rate-limit", action=argparse.BooleanOptionalAction, default=False, help="100 a second, 6,000 a minute")
    add("--retry-after", type=int, help="send Retry-After with 429")
    add("--short-pages", type=float, default=0.0, metavar="P", help="probability of a page shorter than its limit")
    add("--inbox-placement", action=argparse.BooleanOptionalAction, default=True, help="whether that plan is paid for")
    stray = "share of another test's rows in a test's placement results (default: %(default)s)"
    add("--stray-placement-rows", type=float, default=manners.stray_placement_rows, metavar="P", help=stray)
    add("--scope-error-status", type=int, choices=(401, 403), default=401, help="answer to a missing scope")
    add("--key", action="append", default=[], metavar=KEY, help="an API key; more than once for more")
    add("--unpaid-key", action="append", default=[], metavar=KEY, help="a key whose workspace has no plan")
    return parser


def make_config(options: argparse.Namespace) -> SandboxConfig:
    """Turn options into a configuration."""
    keys = [ApiKey.parse(text) for text in options.key]
    keys += [ApiKey.parse(text, paid=False) for text in options.unpaid_key]
    given = vars(options)
    sizes = {field.name: given[field.name] for field in fields(SandboxConfig) if field.name in given}
    manners = Manners(**{field.name: given[field.name] for field in fields(Manners) if field.name in given})
    standard = SandboxConfig()
    named = {key.name for key in keys}
    # The announced key is the first; the standing ones stay available beside those asked for.
    return SandboxConfig(
        **sizes, manners=manners, keys=(*keys, *(key for key in standard.keys if key.name not in named))
    )


def announce(listener: socket, state: State) -> None:
    """Say where to find the sandbox and how to get in."""
    first, *others = state.keys.values()
    sys.stdout.write(f"sandbox: listening on {address_of(listener)}\n")
    sys.stdout.write(f"sandbox: API key {first.secret}\n")
    own = [key.secret for key in others if key.name == key.workspace]
    if own:
        sys.stdout.write(f"sandbox: API keys of further workspaces {' to '.join(dict.fromkeys((own[0], own[-1])))}\n")
    sys.stdout.flush()


def run(server: uvicorn.Server, listener: socket) -> None:
    """Serve until told to stop."""
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox as a process."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        config = make_config(options)
        listener = listen(options.host, options.port, allow_remote=options.allow_remote)
    except OSError as error:
        parser.exit(
            2, f"sandbox: cannot listen on port {options.port}: {error.strerror or error}; give another --port\n"
        )
    except ValueError as error:
        parser.exit(2, f"sandbox: {error}\n")
    state = State(config)
    # The socket already listens: who connects from here on is answered as soon as the loop runs.
    announce(listener, state)
    run(make_server(state), listener)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
