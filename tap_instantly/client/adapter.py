"""HTTP adapter for one host, with a limit on the time of a whole response."""

from __future__ import annotations

import io
import os
import time
from functools import partial
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from urllib3.response import BaseHTTPResponse

CONNECTIONS = 64
"""Size of the connection pool, and so the limit on concurrent requests."""

PIECE = 1 << 20
"""Bytes to read from a response at a time."""


class _Received(io.RawIOBase):
    """Raw stream of one response, which fails after a deadline.

    A socket's timeout restarts with each byte, so a response that drips in its headers or body would never end.
    """

    def __init__(self, raw: io.RawIOBase, patience: float) -> None:
        self._raw = raw
        self._patience = patience
        self._deadline = time.monotonic() + patience

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            message = f"response incomplete after {self._patience:.0f} seconds"
            raise TimeoutError(message)
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """Response of the standard library, read within a deadline."""

    def __init__(self, *args: Any, patience: float, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.fp = io.BufferedReader(_Received(self.fp.detach(), patience))


class _Pieces:
    """Response body in chunks as large as they arrive.

    ``requests`` reads 10 kB at a time, and a thread waits for other threads before each chunk. That took a sixth of a
    sync (measured).
    """

    def __init__(self, raw: Any) -> None:  # noqa: ANN401 (urllib3's response, or a test's)
        self._raw = raw

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (any attribute of the response)
        return getattr(self._raw, name)

    def stream(self, _size: int, *, decode_content: bool) -> Iterator[bytes]:
        while piece := self._raw.read1(PIECE, decode_content=decode_content):
            yield piece


class Adapter(HTTPAdapter):
    """Adapter for one host, which looks up its connection pool only once.

    Args:
        patience: Time limit of a whole response with its headers, in seconds.
    """

    def __init__(self, patience: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=CONNECTIONS)
        self._patience = patience
        self._pool: Any = None

    @override
    def get_connection_with_tls_context(self, *args: Any, **settings: Any) -> Any:
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(*args, **settings)
            # Hooks of urllib3: ConnectionCls of the pool, and response_class of its connections.
            pool.ConnectionCls = _bounded(pool.ConnectionCls, self._patience)
            self._pool = pool
        return self._pool

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if isinstance(verify, str) and os.pathsep in verify and not Path(verify).exists():
            # Several directories: OpenSSL accepts them, requests does not.
            conn.cert_reqs, conn.ca_certs, conn.ca_cert_dir = "CERT_REQUIRED", None, verify
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    @override
    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = _Pieces(resp)
        return response


def _bounded(kind: type, patience: float) -> type:
    """Derive a connection class whose responses have a time limit in seconds."""
    return type(kind.__name__, (kind,), {"response_class": staticmethod(partial(_Answer, patience=patience))})
