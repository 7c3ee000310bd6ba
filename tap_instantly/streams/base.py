"""How a stream reads, filters, stamps and bookmarks."""

from __future__ import annotations

import logging
import time
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream
from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.schema.source import SchemaDirectory, StreamSchema
from singer_sdk.streams.rest import HTTPRequest, PageContext
from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.api import ErrorKind, InstantlyAPIError, StartingAfterPaginator
from tap_instantly.api.pagination import items, page_arguments
from tap_instantly.api.retry import Retry
from tap_instantly.streams.records import Record, RecordShaper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, RequestFunc
    from singer_sdk.pagination import BaseAPIPaginator

    from tap_instantly.api import Workspace, Workspaces

DENIED_KINDS = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN})
SKIPPED_KINDS = DENIED_KINDS | {ErrorKind.NO_PLAN, ErrorKind.NOT_FOUND}
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

    scope: ClassVar[str | None] = None
    """Resource whose ``:read`` scope the endpoint needs, where the official document names one."""

    schema: ClassVar[StreamSchema[str]] = StreamSchema(SchemaDirectory(schema_directory()))

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap)
        self.workspaces = workspaces
        self.request_counter = self.get_http_request_counter()
        self.records_read = 0
        self.requests_sent = 0
        self.seconds = 0.0
        self.skipped: list[str] = []

    # Where and how to ask

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"]).rstrip("/")

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

    def slices(self, context: Context) -> Iterable[Mapping[str, Any]]:
        """The requests to make for one workspace, as contexts of :meth:`request_records`; one by default.

        Streams that are asked for by campaign or by window have many. They are no SDK partitions, since each of
        those would be a partition of the state too.
        """
        return (context,)

    # Reading

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        workspace = self.workspaces[_workspace_id(context)]
        # The SDK caps the bookmark at the start of the run, so that what changes while the list is read is read again
        # next time; but it does so for the stream as a whole, not for its partitions.
        self.state_manager.write_replication_key_signpost(self.get_replication_key_signpost(context), context=context)
        started, sent_before, read = time.monotonic(), workspace.client.requests_sent, False
        try:
            with self.request_counter:
                for request_context in self.slices(context or {}):
                    for record in self.request_records(request_context):
                        read = True
                        yield record
        except InstantlyAPIError as error:
            if read or error.kind not in SKIPPED_KINDS:
                raise
            self._skip(workspace, error)
        finally:
            self.seconds += time.monotonic() - started
            self.requests_sent += workspace.client.requests_sent - sent_before

    @override
    def request_records(self, context: Context | None) -> Iterator[Record]:
        # The SDK's loop sends through one session and one authenticator per stream. Here each workspace has a client
        # of its own, which also classifies and decodes; requests, paging, retry and metrics remain the SDK's hooks.
        client = self.workspaces[_workspace_id(context)].client
        send = self.request_decorator(lambda request, _context: client.send(request))
        paginator = self.get_new_paginator()
        while not paginator.finished:
            request: HTTPRequest = self.get_http_request(page=PageContext(context, paginator.current_value))
            prepared = client.prepare(request.method, request.url, params=request.params, json=request.data)
            response = send(prepared, context)
            self.request_counter.increment()
            yield from self.parse_response(response)
            paginator.advance(response)
        if getattr(paginator, "looped", False):
            self._keep_bookmark(context)

    def _skip(self, workspace: Workspace, error: InstantlyAPIError) -> None:
        self.skipped.append(f"{workspace.id}: {error.kind.value}")
        missing = f" The scope it needs is {self.scope}:read." if self.scope and error.kind in DENIED_KINDS else ""
        self.logger.warning("Skipped in workspace %s: %s%s", workspace.id, error, missing)

    def _keep_bookmark(self, context: Context | None) -> None:
        """Forget this run's progress: it did not see everything, so the next run has to start where this one did."""
        state_context = {"workspace_id": _workspace_id(context)}
        self.get_context_state(state_context).pop("progress_markers", None)

    # Shaping

    @cached_property
    def shaper(self) -> RecordShaper:
        """Brings records into the schema's shape."""
        return RecordShaper(self.schema, self.primary_keys, self.config["validate_records"], self.logger)

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        row["workspace_id"] = _workspace_id(context)
        record = self.shaper.shape(row)
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


class ListStream(InstantlyStream):
    """A list with a ``starting_after`` cursor.

    The API filters hardly any list by time. Where records say when they changed (``replication_key``), the list is read
    whole and what has not changed since the bookmark is left out; records at the very bookmark are read again, since
    others may have got the same timestamp after they were read.
    """

    arguments: ClassVar[Mapping[str, Any]] = {}
    """Constant arguments of the list."""

    _since: str | None = None

    @override
    def get_new_paginator(self) -> StartingAfterPaginator:
        return StartingAfterPaginator()

    @override
    def get_url_params(self, context: Context | None, next_page_token: str | None) -> dict[str, Any]:
        return {} if self.http_method == "POST" else self._page(next_page_token)

    @override
    def prepare_request_payload(self, context: Context | None, next_page_token: str | None) -> dict[str, Any] | None:
        return self._page(next_page_token) if self.http_method == "POST" else None

    def _page(self, cursor: str | None) -> dict[str, Any]:
        return {**self.arguments, **page_arguments(self.config["page_size"], cursor)}

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return items(response)

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        bookmark = self.get_starting_timestamp(context) if self.replication_key else None
        # Without the Z, the text of a timestamp with microseconds still compares right.
        self._since = (
            timestamps.text(bookmark.replace(microsecond=bookmark.microsecond // 1000 * 1000))[:-1]
            if bookmark
            else None
        )
        yield from super().get_records(context)

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        if not self._is_new(row):
            return None
        if self.replication_key:
            row.setdefault(self.replication_key, None)  # the API leaves out nulls, and the SDK wants the key
        return super().post_process(row, context)

    def _is_new(self, row: Record) -> bool:
        if self._since is None or self.replication_key is None:
            return True
        changed = row.get(self.replication_key)
        try:
            return changed is None or timestamps.canonical(changed) >= self._since
        except (ValueError, TypeError):
            return True


def _workspace_id(context: Context | None) -> str:
    return str((context or {})["workspace_id"])
