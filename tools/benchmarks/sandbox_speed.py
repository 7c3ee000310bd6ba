"""Measures the sandbox alone, to show that it is not the bottleneck."""

from __future__ import annotations

import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from sandbox import Control
from tools.benchmarks.results import Probe
from tools.demo.pipeline import Sandbox, sandbox

LEADS = 300_000
SECONDS = 4.0
CONNECTIONS = (1, 4)
PAGE = 100

_CURSOR = re.compile(rb'"next_starting_after":"([^"]+)"\}$')


def probe(seconds: float = SECONDS, leads: int = LEADS) -> list[Probe]:
    """Read leads as fast as possible, and parse only the cursor."""
    with tempfile.TemporaryDirectory(prefix="tap-instantly-bench-") as name:
        log = Path(name) / "sandbox.log"
        with sandbox(log, {"leads": leads}) as source, Control(source.url) as control:
            return [_probe(source, control, number, seconds) for number in CONNECTIONS]


def _probe(source: Sandbox, control: Control, connections: int, seconds: float) -> Probe:
    before, started = control.about()["cpu_seconds"], time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        pages = sum(pool.map(lambda _: _walk(source, started + seconds), range(connections)))
    elapsed = time.monotonic() - started
    cpu = control.about()["cpu_seconds"] - before
    return Probe(connections, pages * PAGE / elapsed, pages * PAGE / cpu)


def _walk(source: Sandbox, until: float) -> int:
    """Walk the list over one connection, repeatedly; return the number of full pages."""
    url = urlsplit(source.api_url)
    connection = HTTPConnection(url.hostname or "", url.port)
    headers = {"Authorization": f"Bearer {source.api_key}", "User-Agent": "probe/1", "Content-Type": "application/json"}
    pages, cursor = 0, b""
    try:
        while time.monotonic() < until:
            body = b'{"limit":%d%s}' % (PAGE, b',"starting_after":"%s"' % cursor if cursor else b"")
            connection.request("POST", f"{url.path}/leads/list", body, headers)
            found = _CURSOR.search(connection.getresponse().read()[-100:])
            cursor = found[1] if found else b""
            pages += bool(found)
    finally:
        connection.close()
    return pages
