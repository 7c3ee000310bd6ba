"""How every stream reads, shapes, bookmarks and reports."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.schema.source import StreamSchema
from singer_sdk.streams.rest import PageContext
from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.api import InstantlyAPIError
from tap_instantly.api.errors import FATAL_KINDS, SKIPPED_KINDS
from tap_instantly.api.pagination import no_records
from tap_instantly.api.retry import Retry
from tap_instantly.singer.sources import Slices
from tap_instantly.streams import state
from tap_instantly.streams.schemas import UNMARKED
from tap_instantly.streams.shaped import Shaped
from tap_instantly.streams.side_by_side import note_received
from tap_instantly.streams.tally import why_ended, why_skipped
from tap_instantly.streams.turns import StoppedReadingError, workspace_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, RequestFunc
    from singer_sdk.pagination import BaseAPIPaginator

    from tap_instantly.api import ErrorKind, Workspaces
    from tap_instantly.singer.sources import Source
    from tap_instantly.streams.parents import Parent
    from tap_instantly.streams.records import Record

    Slice = Mapping[str, Any]


class InstantlyStream(Shaped):
    """One kind of record, read in all workspaces side by side.

    A subclass says where the records are (``path``), what identifies them (``primary_keys``) and how they are
    replicated (``replication_key``); the schema is ``schemas/<name>.json``. State is kept per workspace.
    """

    schema: ClassVar[StreamSchema[str]] = StreamSchema(UNMARKED)

    scope: ClassVar[str | None] = None
    """Resource whose ``:read`` scope the endpoint needs, where the official document names one."""

    parent: ClassVar[Parent | None] = None
    """What the endpoint is asked for by, where it is, and which has to be listed first."""

    arguments: ClassVar[Mapping[str, Any]] = {}
    """Constant arguments, of the query for GET and of the body for POST."""

    why_off: ClassVar[str | None] = None
    """Why the stream is not selected by default; such a stream has to be selected in the catalog."""

    def __init__(self, tap: Tap, workspaces: Workspaces) -> None:
        super().__init__(tap, workspaces)
        self._found: dict[str, dict[str, Any]] = {}
        self._starts: dict[str, str | None] = {}
        self._counting = threading.Lock()
        self._missing: dict[str, str] = {}
        self._unsure: dict[str, str] = {}

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes that an API key needs for the stream and for what it is asked for by."""
        needed = (self.scope, *(self.parent.scopes if self.parent else ()))
        return tuple(f"{scope}:read" for scope in dict.fromkeys(filter(None, needed)))

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

    def page_arguments(self, context: Slice, cursor: str | None) -> dict[str, Any]:  # noqa: ARG002 (for subclasses)
        """Arguments that ask for one page of a slice, where the endpoint has pages."""
        return {}

    @override
    def get_url_params(self, context: Context | None, next_page_token: str | None) -> dict[str, Any]:
        return {} if self.http_method == "POST" else self._all_arguments(context, next_page_token)

    @override
    def prepare_request_payload(self, context: Context | None, next_page_token: str | None) -> dict[str, Any] | None:
        return self._all_arguments(context, next_page_token) if self.http_method == "POST" else None

    def _all_arguments(self, context: Context | None, cursor: str | None) -> dict[str, Any]:
        slice_ = context or {}
        return {**self.arguments, **self.arguments_for(slice_), **self.page_arguments(slice_, cursor)}

    @property
    def bookmark_key(self) -> str | None:
        """The replication key, where the stream goes by one; the catalog may have it read whole each time."""
        return None if self.replication_method == "FULL_TABLE" else self.replication_key

    # Reading

    def expect(self, context: Slice, number: int) -> None:
        """Take note that a workspace has so many slices, or so many for each that it has anyway; in any thread."""
        self.tally.parts[workspace_id(context)].expect(number)

    def note_unasked(self, context: Slice, number: int) -> None:
        """Take note of what could not be asked for; where old records are not read again, it would be lost for good."""
        if number and self.bookmark_key:
            self._missing[workspace_id(context)] = f"{number} of what it is asked for by without an id"

    def ids_of(self, parent: Parent, context: Slice) -> list[str]:
        """Ids of the parents in a workspace; of those without one, note is taken."""
        workspace = self.workspaces[workspace_id(context)]
        ids = workspace.access.told_apart(partial(parent.ids, workspace))
        self.note_unasked(context, parent.unaskable(workspace))
        return ids

    def starting_value(self, context: Slice) -> str | None:
        """Where to start from in a workspace: its bookmark, or the start date where that is later; None for all."""
        return self._starts[workspace_id(context)]

    def bookmark(self, context: Slice) -> datetime | None:
        """:meth:`starting_value` as a time."""
        return timestamps.parse(value) if (value := self.starting_value(context)) else None

    @override
    def source(self, context: Context) -> Source[list[Record]]:
        part = self.tally.parts[workspace_id(context)]
        return Slices(part.begun_by(self.slices(context)), part.counted(self.pages))

    @override
    def prepare(self) -> list[Source[list[Record]]]:
        self._found = state.parts_of(self.tap_state, self.name)
        return super().prepare()

    def found_in_state(self, context: Context) -> dict[str, Any]:
        """What the run goes on from in a workspace: a copy of its part of the state, less what cannot be used."""
        return self._found.setdefault(workspace_id(context), {})

    @override
    def before_reading(self, context: Context) -> None:
        part, workspace = self.found_in_state(context), workspace_id(context)
        if why := state.why_anew(part, self.bookmark_key, lambda: self.workspaces[workspace].connected_at):
            label = self.workspaces[workspace].label
            self.logger.warning("Read anew in workspace %s, from the start date or all of it: %s", label, why)
            state.forget(part)
        self._starts[workspace] = self._start_of(part)

    @override
    def before_writing(self, context: Context) -> None:
        state.keep_only(self.get_context_state(context), self.found_in_state(context))

    @override
    def begin(self, context: Context) -> None:
        self._names[workspace_id(context)] = self.workspaces[workspace_id(context)].name

    @override
    def finish(self, context: Context) -> None:
        workspace = workspace_id(context)
        self.workspaces.note_success(workspace)
        if doubt := self._unsure.pop(workspace, None):
            self.tally.pass_over(workspace, doubt)
        if why := self._missing.pop(workspace, None):
            self._break_off(context, why, why)

    @override
    def ended_by(self, context: Context, error: BaseException, *, read: bool) -> None:
        if not isinstance(error, InstantlyAPIError) or error.kind in FATAL_KINDS:
            raise error
        workspace = workspace_id(context)
        if error.kind in SKIPPED_KINDS and not read:
            state.keep_start(self.get_context_state(context))
            why = why_skipped(error, self.scopes)
            self.tally.skip(workspace, error.kind, why)
            self.logger.warning("%s skipped in workspace %s: %s", self.name, self.workspaces[workspace].label, why)
            return
        self._break_off(context, error.kind.value, why_ended(error), error.kind)
        self.workspaces.note_failure(workspace, error)

    def _break_off(self, context: Context, what: str, why: str, kind: ErrorKind | None = None) -> None:
        workspace, part = workspace_id(context), self.get_context_state(context)
        state.keep_start(part)
        self.tally.break_off(workspace, what, why, kind)
        next_ = state.next_start(part, self.bookmark_key, self.found_in_state(context).get(state.VALUE))
        label = self.workspaces[workspace].label
        self.logger.error("%s incomplete in workspace %s, %s: %s", self.name, label, next_, why)

    def _start_of(self, part: Mapping[str, Any]) -> str | None:
        """What the SDK will call the starting value when the partition's turn comes."""
        if self.bookmark_key is None:
            return None
        start = self.config.get("start_date")
        bookmark = part.get(state.VALUE)
        return self.compare_start_date(bookmark, start) if bookmark and start else bookmark or start

    def pages(self, context: Slice) -> Iterator[list[Record]]:
        """The pages of one slice; runs in any thread, so that it must not touch the stream's state."""
        paginator = self.get_new_paginator()
        access = self.workspaces[workspace_id(context)].access
        while not paginator.finished:
            page, response = access.told_apart(partial(self.fetch, context, paginator.current_value))
            yield page
            paginator.advance(response)
            if why := getattr(paginator, "missing", None):  # at once, since what follows is written next
                self._missing[workspace_id(context)] = why
            if why := getattr(paginator, "doubt", None):
                self._unsure[workspace_id(context)] = why

    def fetch(
        self, context: Slice, cursor: str | None, retry: Retry | None = None
    ) -> tuple[list[Record], requests.Response]:
        """One page of a slice, asked for again as configured or as ``retry`` says; runs in any thread."""
        # The SDK's loop sends through one session and one authenticator per stream. Here each workspace has a client
        # of its own, which also classifies and decodes; requests, paging, retry and metrics remain the SDK's hooks.
        client = self.workspaces[workspace_id(context)].client
        self.tally.parts[workspace_id(context)].begin()
        page: list[Record] = []

        def ask(request: requests.PreparedRequest, _context: Context | None) -> requests.Response:
            nonlocal page
            if not self.is_wanted(context):
                raise StoppedReadingError
            response = client.send(request)
            page = list(self.parse_response(response))  # within the retry: one of the wrong shape is asked for again
            return response

        request = self.get_http_request(page=PageContext(context, cursor))
        prepared = client.prepare(request.method, request.url, params=request.params, json=request.data)
        response = (retry or self.request_decorator)(ask)(prepared, context)
        note_received(len(response.content))
        with self._counting:
            self.request_counter.increment()
            if left_out := no_records(response):
                self.shaper.leave_out(left_out)
        return page, response

    def sum_up(self) -> None:
        """Say what was read, and what it took."""
        tally = self.tally
        counts = {"records": tally.records, "requests": tally.requests, "seconds": round(tally.seconds, 1)}
        fields = {"stream_name": self.name, "records_read": tally.read, "pages": tally.pages, **counts}
        self.log("Synced %s: %s", self.name, tally.line(**self.shaper.oddities), extra=fields)
