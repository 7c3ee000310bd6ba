"""Records the answers of a run, to replay it without a server."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.response import HTTPResponse

from tap_instantly.client import rate_limit, retry, transport
from tap_instantly.client.adapter import Adapter

NOT_RECORDED = b'{"message":"not recorded"}'


class Tape(dict[str, bytes]):
    """The body of each successful answer, by request, in the order of the requests."""

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the answers to clients created in this context; they use the network."""
        with _clients_with(lambda patience: _Recorder(self, patience)):
            yield

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Answer clients created in this context from the recording, and everything else with 404."""
        with _clients_with(lambda _: _Player(self)):
            yield


class _Recorder(Adapter):
    def __init__(self, tape: Tape, patience: float) -> None:
        super().__init__(patience)
        self._tape = tape

    @override
    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> requests.Response:
        response = super().send(request, *args, **settings)
        if response.ok:
            self._tape[_asked(request)] = response.content
        return response


class _Player(HTTPAdapter):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = self._tape.get(_asked(request))
        status, body = (404, NOT_RECORDED) if body is None else (200, body)
        return self.build_response(request, HTTPResponse(io.BytesIO(body), status=status, preload_content=False))


def _asked(request: requests.PreparedRequest) -> str:
    """Return the request without its page size, which the client reduces after a failure."""
    return re.sub(r'\blimit(=|": ?)\d+', "limit", f"{request.method} {request.path_url} {request.body!r}")


@contextmanager
def _clients_with(adapter: Callable[[float], HTTPAdapter]) -> Iterator[None]:
    """Create clients with this kind of adapter and without delays before retries."""
    waits = dict.fromkeys(("EMAILS_INTERVAL", "PAUSE_AFTER_429", "EMAILS_PAUSE_AFTER_429", "RECOVERY_SECONDS"), 0.001)
    with (
        mock.patch.object(transport, "Adapter", adapter),
        mock.patch.object(retry, "FIRST_WAIT", 0),
        mock.patch.dict(vars(rate_limit), waits),
    ):
        yield
