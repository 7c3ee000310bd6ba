"""How every stream reads, shapes, bookmarks and reports."""

from __future__ import annotations

import logging
import re
import time
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from singer_sdk import RESTStream
from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.schema.source import SchemaDirectory, StreamSchema
from singer_sdk.streams.rest import PageContext
from typing_extensions import override

from tap_instantly.api import ErrorKind, InstantlyAPIError
from tap_instantly.api.errors import DENIED
from tap_instantly.api.retry import Retry
from tap_instantly.singer.read_ahead import ReadAhead
from tap_instantly.streams.records import Record, RecordShaper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, RequestFunc
    from singer_sdk.pagination import BaseAPIPaginator

    from tap_instantly.api import Workspace, Workspaces

    Slice = Mapping[str, Any]

SKIPPED_KINDS = DENIED | {ErrorKind.NO_PLAN, ErrorKind.NOT_FOUND}
"""Errors that concern one endpoint of a workspace whose key has already proved good."""


def schema_directory() -> Path:
    """Where the schemas lie: inside the package once it is a wheel, beside it in a checkout."""
    package = Path(str(resources.files("tap_instantly")))
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


class InstantlyStream(RESTStream["str | None"]):
    """One kind of record, read workspace by workspace.

    A subclass says where the records are (``path``), what identifies them (``primary_keys``) and how they are
    replicated (``replication_key``); the schema is ``schemas/<name>.json``. State is kept per workspace.
    """

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SchemaDirectory(schema_directory()))

    scope: ClassVar[str | None] = None
    """Resource whose ``:read`` scope the endpoint needs, where the official document names one."""

    arguments: ClassVar[Mapping[str, Any]] = {}
    """Constant arguments, of the query for GET and of the body for POST."""

    left_out: ClassVar[tuple[str, ...]] = ()
    """Fields never to be extracted: secrets, and what another stream carries."""

    why_off: ClassVar[str | None] = None
    """Why the stream is not selected by default; such a stream has to be selected in the catalog."""

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap)
        self.workspaces = workspaces
        self.bookmark: datetime | None = None
        self.request_counter = self.get_http_request_counter()
        self.records_read = 0
        self.requests_sent = 0
        self.seconds = 0.0
        self.skipped: list[str] = []
        self._incomplete: set[str] = set()

    @property
    @override
    def selected_by_default(self) -> bool:  # type: ignore[override]
        return self.why_off is None

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> datetime | Any | None:
        """The start of the run, by this machine's clock or by the server's, whichever is earlier.

        Bookmarks are the server's time: a clock here that runs ahead would put the cap too late to cap anything.
        """
        ours = super().get_replication_key_signpost(context)
        theirs = self.workspaces[context["workspace_id"]].connected_at if context else None
        return min(ours, theirs) if ours and theirs else ours

    # Where and how to ask

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"]).rstrip("/")

    @override
    def get_url(self, context: Context | None) -> str:
        # The SDK would fill in settings of the same name, and leave characters unquoted that addresses can have.
        return self.url_base + self.path.format(**{name: quote(str(v), safe="") for name, v in (context or {}).items()})

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [{"workspace_id": workspace.id} for workspace in self.workspaces]

    @override
    def get_new_paginator(self) -> BaseAPIPaginator[Any]:
        return SinglePagePaginator()

    @override
    def request_decorator(self, func: RequestFunc) -> RequestFunc:
        return Retry(self.config["max_retries"])(func)

    def slices(self, context: Context) -> Iterable[Slice]:
        """The requests to make for one workspace, as contexts of :meth:`pages`; one by default.

        Streams that are asked for by campaign, by window, ... have many, and those are read side by side. They are no
        SDK partitions, since each of those would be a partition of the state too.
        """
        return (context,)

    def arguments_for(self, context: Slice) -> dict[str, Any]:  # noqa: ARG002 (for subclasses)
        """Arguments of one slice, besides :attr:`arguments`."""
        return {}

    def page_arguments(self, cursor: str | None) -> dict[str, Any]:  # noqa: ARG002 (for subclasses)
        """Arguments that ask for one page, where the endpoint has pages."""
        return {}

    @override
    def get_url_params(self, context: Context | None, next_page_token: str | None) -> dict[str, Any]:
        return {} if self.http_method == "POST" else self._all_arguments(context, next_page_token)

    @override
    def prepare_request_payload(self, context: Context | None, next_page_token: str | None) -> dict[str, Any] | None:
        return self._all_arguments(context, next_page_token) if self.http_method == "POST" else None

    def _all_arguments(self, context: Context | None, cursor: str | None) -> dict[str, Any]:
        return {**self.arguments, **self.arguments_for(context or {}), **self.page_arguments(cursor)}

    # Reading

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        workspace = self.workspaces[workspace_id(context)]
        # The SDK caps the bookmark at the start of the run, so that what changes while the list is read is read again
        # next time; but it does so for the stream as a whole, not for its partitions.
        self.state_manager.write_replication_key_signpost(self.get_replication_key_signpost(context), context=context)
        self.start_from(self.get_starting_timestamp(context) if self.is_timestamp_replication_key else None)
        started, sent_before, read = time.monotonic(), workspace.client.requests_sent, False
        try:
            with self.request_counter:
                for page in self._pages_of(self.slices(context or {})):
                    for record in page:
                        read = True
                        yield record
        except InstantlyAPIError as error:
            if read or error.kind not in SKIPPED_KINDS:
                raise
            self._skip(workspace, error)
        finally:
            self.seconds += time.monotonic() - started
            self.requests_sent += workspace.client.requests_sent - sent_before
        if workspace.id in self._incomplete:
            # Forget this run's progress: it did not see everything, so the next one has to start where this one did.
            self.get_context_state(context).pop("progress_markers", None)

    def start_from(self, bookmark: datetime | None) -> None:
        """Take up the bookmark that a workspace's records are read from; None to read all."""
        self.bookmark = bookmark

    def _pages_of(self, slices: Iterable[Slice]) -> Iterable[list[Record]]:
        if isinstance(slices, tuple) and len(slices) == 1:
            return self.pages(slices[0])
        return ReadAhead(slices, self.pages)

    def pages(self, context: Slice) -> Iterator[list[Record]]:
        """The pages of one slice; runs in any thread, so that it must not touch the stream's state."""
        # The SDK's loop sends through one session and one authenticator per stream. Here each workspace has a client
        # of its own, which also classifies and decodes; requests, paging, retry and metrics remain the SDK's hooks.
        client = self.workspaces[workspace_id(context)].client
        page: list[Record] = []

        def ask(request: requests.PreparedRequest, _context: Context | None) -> requests.Response:
            nonlocal page
            response = client.send(request)
            page = list(self.parse_response(response))  # within the retry: one of the wrong shape is asked for again
            return response

        send = self.request_decorator(ask)
        paginator = self.get_new_paginator()
        while not paginator.finished:
            request = self.get_http_request(page=PageContext(context, paginator.current_value))
            prepared = client.prepare(request.method, request.url, params=request.params, json=request.data)
            response = send(prepared, context)
            self.request_counter.increment()
            yield page
            paginator.advance(response)
        if getattr(paginator, "looped", False):
            self._incomplete.add(workspace_id(context))

    @override
    def request_records(self, context: Context | None) -> Iterator[Record]:
        for page in self.pages(context or {}):
            yield from page

    def _skip(self, workspace: Workspace, error: InstantlyAPIError) -> None:
        self.skipped.append(f"{workspace.id}: {error.kind.value}")
        reason = str(error)
        if error.kind in DENIED:
            # The key is good, or the run would not have come this far.
            needed = f"{self.scope}:read" if self.scope and self._is_own(error.path) else "that endpoint's scope"
            reason = reason.removesuffix(error.advice) + f"Give the API key {needed}, or all:read, which covers all."
        self.logger.warning("Skipped in workspace %s: %s", workspace.id, reason)

    def _is_own(self, path: str) -> bool:
        """Whether a path is this stream's own, and not that of the list of its parents."""
        return re.search(re.sub(r"\{\w+\}", "[^/]+", self.path) + "$", path) is not None

    # Shaping

    @cached_property
    def shaper(self) -> RecordShaper:
        """Brings records into the schema's shape."""
        return RecordShaper(self.schema, self.primary_keys, self.config["validate_records"], self.logger)

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        for name in self.left_out:
            row.pop(name, None)
        record = self.shaper.shape(row, workspace_id(context))
        if record is not None:
            self.shaper.check(record)
            self.records_read += 1
        return record

    # Logging

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        if message.startswith("An unhandled error occurred"):
            # The SDK announces each error that passes by; the command line says it once, with what to do.
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

    @override
    def log_sync_costs(self) -> None:
        # The SDK calls this once per stream at the end of a run.
        if not self.selected:
            return
        oddities = {"without_key": self.shaper.keyless, "invalid": self.shaper.invalid}
        self.log(
            "Synced %s: records=%d requests=%d seconds=%.1f%s%s",
            self.name,
            self.records_read,
            self.requests_sent,
            self.seconds,
            "".join(f" {name}={count}" for name, count in oddities.items() if count),
            f" skipped=[{', '.join(self.skipped)}]" if self.skipped else "",
        )


def workspace_id(context: Context | None) -> str:
    """The workspace that a slice or partition belongs to."""
    return str((context or {})["workspace_id"])
