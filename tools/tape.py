"""What a run received, to play the same run again without a server."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.response import HTTPResponse

from tap_instantly.api import limits, retry, transport
from tap_instantly.api.adapter import Adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

NOT_RECORDED = b'{"message":"not recorded"}'


class Tape(dict[str, bytes]):
    """The body of each good answer, by what was asked for, in the order of asking."""

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Clients that are made in this context send over the network, and what comes is recorded."""
        with _clients_with(lambda patience: _Recorder(self, patience)):
            yield

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Clients that are made in this context get what was recorded, and a 404 for everything else."""
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
    """What was asked for, less the number of records: for a page that cannot be had, fewer are asked for."""
    return re.sub(r'\blimit(=|": ?)\d+', "limit", f"{request.method} {request.path_url} {request.body!r}")


@contextmanager
def _clients_with(adapter: Callable[[float], HTTPAdapter]) -> Iterator[None]:
    """Clients send through an adapter of that kind, and nobody waits before trying again."""
    waits = dict.fromkeys(("EMAILS_INTERVAL", "PAUSE_AFTER_429", "EMAILS_PAUSE_AFTER_429", "RECOVERY_SECONDS"), 0.001)
    with (
        mock.patch.object(transport, "Adapter", adapter),
        mock.patch.object(retry, "FIRST_WAIT", 0),
        mock.patch.dict(vars(limits), waits),
    ):
        yield
