"""The connections to one host, and how answers are read from them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from urllib3.response import BaseHTTPResponse

CONNECTIONS = 64
"""Connections kept open, and so requests that may be under way at once."""

PIECE = 1 << 20
"""Bytes of an answer to read at once."""


class _Pieces:
    """The body of an answer in pieces as large as they arrive, until it has taken too long.

    ``requests`` takes 10 kB at a time, and before each piece the thread has to wait for the others that want to run: a
    sixth of the whole time of a sync (measured). Its timeout is for one piece, and a body that drips never ends.
    """

    def __init__(self, raw: Any, patience: float) -> None:  # noqa: ANN401 (urllib3's, or a test's)
        self._raw = raw
        self._patience = patience
        self._deadline = time.monotonic() + patience

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the answer has)
        return getattr(self._raw, name)

    def stream(self, _size: int, *, decode_content: bool) -> Iterator[bytes]:
        while piece := self._raw.read1(PIECE, decode_content=decode_content):
            yield piece
            if time.monotonic() > self._deadline:
                self._raw.close()
                raise ReadTimeoutError(self._raw, "", f"Read timed out: not all came in {self._patience:.0f} seconds")


class Adapter(HTTPAdapter):
    """For one host, whose pool of connections need not be looked up for each request.

    Args:
        patience: Seconds that a whole answer may take.
    """

    def __init__(self, patience: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=CONNECTIONS)
        self._patience = patience
        self._pool: Any = None

    @override
    def get_connection_with_tls_context(self, *args: Any, **settings: Any) -> Any:
        self._pool = self._pool or super().get_connection_with_tls_context(*args, **settings)
        return self._pool

    @override
    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = _Pieces(resp, self._patience)
        return response
