"""Network faults during runs of each kind of stream."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tap_instantly import ErrorKind, InstantlyAPIError
from tests.api.test_errors import closed_port
from tests.conftest import UNTIL
from tests.listeners import Answer, answering, make_certificate, tls
from tests.reliability.conftest import BROKEN, SOUND, Agency
from tests.reliability.table import KINDS, OBJECT, RUNS, SCAN, STOPS, WINDOWS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GONE_MIDWAY = "connection refused in the middle of the run"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its private key in one file."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@contextlib.contextmanager
def self_signed(certificate: Path) -> Iterator[str]:
    with answering(Answer(), tls(certificate)) as server:
        yield server.url


@contextlib.contextmanager
def away(url: str) -> Iterator[str]:
    yield url


NETWORK = {
    "connection refused from the start": (lambda _: away(f"http://127.0.0.1:{closed_port()}"), ErrorKind.UNREACHABLE),
    "an unknown host name": (lambda _: away("https://no-such-host.invalid"), ErrorKind.UNREACHABLE),
    "an untrusted certificate": (self_signed, ErrorKind.TLS),
    "an unreachable proxy": (lambda _: away("https://instantly.example"), ErrorKind.UNREACHABLE),
}


EACH = tuple({kind.stream: kind for kind in KINDS}.values())
"""One kind per stream: network faults affect all requests."""

BY_ITSELF = tuple(
    pytest.param(kind, id=kind.name, marks=() if kind in {SCAN, WINDOWS} else pytest.mark.long) for kind in EACH
)
"""Kinds to meet a fault one at a time; long tests add those that resume like others."""


@pytest.mark.parametrize("fault", NETWORK)
def test_unreachable_server_stops_the_run_and_keeps_the_state(
    agency: Agency, fault: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, error = NETWORK[fault]
    if "proxy" in fault:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
    else:
        monkeypatch.setenv("NO_PROXY", "*")
    before = agency.state_of(*EACH)
    with server(certificate) as url:
        run = agency.run(*(kind.stream for kind in EACH), state=before, api_url=f"{url}/api/v2")
    assert run.exit_code == RUNS[fault].exit_code == STOPS.exit_code
    assert isinstance(run.error, InstantlyAPIError)
    assert run.error.kind is error
    assert run.error.advice
    assert not any(message["type"] == "RECORD" for message in run.messages)
    assert run.state == before


@pytest.mark.parametrize("kind", BY_ITSELF)
def test_server_lost_in_mid_run_stops_it_and_the_next_run_completes(kind: Kind) -> None:
    config = SandboxConfig(workspaces=2, campaigns=12, accounts=2, leads=10, emails=10, days=60, until=UNTIL, seed=9)
    with contextlib.ExitStack() as stack:
        first = Agency(stack.enter_context(sandbox.serve(config)))
        broken, truth = first.id_of(BROKEN), first.truth(kind, BROKEN)

        def close(message: dict[str, Any]) -> None:
            if message["type"] == "RECORD":
                stack.close()

        # By then, at most one page after the record has been read, and not the only page of the other stream.
        object_of_broken = first.server.control.within(BROKEN)
        object_of_broken.fault("/api/v2/workspaces/current", "latency", seconds=60, after=1, count=None)
        gentle = {"page_size": 2, "max_retries": 1, "concurrency": 1}
        run = first.run(kind.stream, "workspaces", state={}, on_message=close, **gentle)
    assert run.exit_code == RUNS[GONE_MIDWAY].exit_code
    assert isinstance(run.error, InstantlyAPIError)
    assert run.error.kind is ErrorKind.UNREACHABLE
    assert run.keys(kind, broken) < truth
    assert not run.keys(OBJECT, broken)
    with sandbox.serve(config) as server:
        second = Agency(server)
        again = second.run(kind.stream, "workspaces", state=run.state)
        for name in (SOUND, BROKEN):
            id_ = second.id_of(name)
            assert run.kept(kind, id_) | again.keys(kind, id_) == second.truth(kind, name)
    assert again.exit_code == 0
