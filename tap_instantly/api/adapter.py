"""The connections to one host, and how answers are read from them."""

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
"""Connections kept open, and so requests that may be under way at once."""

PIECE = 1 << 20
"""Bytes of an answer to read at once."""


class _Received(io.RawIOBase):
    """The bytes of one answer as they arrive, until it has taken too long.

    The timeout of a socket is for its next bytes: an answer that drips, in its headers or in its body, never ends.
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
            message = f"not all came in {self._patience:.0f} seconds"
            raise TimeoutError(message)
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer as the standard library reads it, within the time that it may take."""

    def __init__(self, *args: Any, patience: float, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.fp = io.BufferedReader(_Received(self.fp.detach(), patience))


class _Pieces:
    """The body of an answer in pieces as large as they arrive.

    ``requests`` takes 10 kB at a time, and before each piece the thread has to wait for the others that want to run: a
    sixth of the whole time of a sync (measured).
    """

    def __init__(self, raw: Any) -> None:  # noqa: ANN401 (urllib3's, or a test's)
        self._raw = raw

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the answer has)
        return getattr(self._raw, name)

    def stream(self, _size: int, *, decode_content: bool) -> Iterator[bytes]:
        while piece := self._raw.read1(PIECE, decode_content=decode_content):
            yield piece


class Adapter(HTTPAdapter):
    """For one host, whose pool of connections need not be looked up for each request.

    Args:
        patience: Seconds that a whole answer may take, with its headers.
    """

    def __init__(self, patience: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=CONNECTIONS)
        self._patience = patience
        self._pool: Any = None

    @override
    def get_connection_with_tls_context(self, *args: Any, **settings: Any) -> Any:
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(*args, **settings)
            # urllib3 has ConnectionCls for this, and its connections response_class.
            pool.ConnectionCls = _bounded(pool.ConnectionCls, self._patience)
            self._pool = pool
        return self._pool

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        if isinstance(verify, str) and os.pathsep in verify and not Path(verify).exists():
            # Several folders, which requests does not know of, but OpenSSL takes.
            conn.cert_reqs, conn.ca_certs, conn.ca_cert_dir = "CERT_REQUIRED", None, verify
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    @override
    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = _Pieces(resp)
        return response


def _bounded(kind: type, patience: float) -> type:
    """Connections of that kind whose answers may take so many seconds."""
    return type(kind.__name__, (kind,), {"response_class": staticmethod(partial(_Answer, patience=patience))})
