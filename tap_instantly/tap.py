"""The Singer tap."""

from __future__ import annotations

import copy
import os
import signal
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError, ConfigValidationError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import Catalog, StateMessage
from typing_extensions import override

from tap_instantly import environment, stopping
from tap_instantly.api import InstantlyAPIError, InstantlyClient, InstantlyError, Workspaces, secrecy
from tap_instantly.api.errors import SKIPPED_KINDS
from tap_instantly.api.group import accepted_sub_workspaces
from tap_instantly.configuration import key_of, problems, secrets, unknown_variables, unread, unread_choices
from tap_instantly.progress import Report
from tap_instantly.progress.quiet import drop_metrics
from tap_instantly.progress.verdict import verdict
from tap_instantly.settings import ALL, KEEP, SETTINGS
from tap_instantly.singer import files, stream_maps
from tap_instantly.singer.stream_maps import StreamMaps
from tap_instantly.singer.writer import BufferedWriter
from tap_instantly.streams import STREAMS, InstantlyStream, flattening, selection
from tap_instantly.streams.side_by_side import AT_ONCE, read_side_by_side
from tap_instantly.streams.state import exchanged, note_names
from tap_instantly.streams.state import read as read_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    import click

OWN = "of the key itself"
"""What messages call the workspace that has the others in its group."""


class IncompleteError(InstantlyError):
    """The run came to its end, but not everything could be read."""


class TapInstantly(Tap):
    """Extracts campaigns, sending accounts, leads and analytics from the Instantly.ai API v2."""

    name = "tap-instantly"
    message_writer_class = BufferedWriter
    message_writer: BufferedWriter
    _started = False
    _stopping = False
    _report: Report | None = None
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own to it
    # Less the SDK's BATCH, which writes records past selection and stream maps.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *args: Any, validate_config: bool = True, **kwargs: Any) -> None:
        """Build the tap from its configuration.

        Raises:
            ConfigurationError: A setting, the catalog or the state is wrong; the text is one line that names it.
        """
        secrecy.remember(secrets(kwargs.get("config")))
        if not isinstance(catalog := kwargs.get("catalog"), (type(None), PurePath, Catalog)):
            selection.check_form(catalog)
        if not isinstance(given := kwargs.get("state"), (type(None), PurePath)):
            read_state(given, {})  # the SDK takes what is empty for none, and a text for the name of a file
        try:
            super().__init__(*args, validate_config=validate_config, **kwargs)
        except ConfigValidationError as error:
            # In the place of the SDK's own texts, which quote secrets; it gives no schema where flattening is wrong.
            found = problems(self.config, error.schema or self.config_jsonschema)
            raise ConfigurationError("; ".join(found)) from None
        secrecy.remember(secrets(self.config))  # of the environment
        for line in unknown_variables(os.environ, self.config_jsonschema) if kwargs.get("parse_env_config") else ():
            self.logger.warning(line)
        if validate_config:
            self._check_settings()

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        stream_maps.mend(config_jsonschema["properties"]["stream_maps"])

    def _check_settings(self) -> None:
        if found := problems(self.config, self.config_jsonschema) or list(unread_choices(self.config, os.environ)):
            raise ConfigurationError("; ".join(found))
        if self.config.get("personal_data_salt") and self.config["personal_data"] == KEEP:
            self.logger.warning("personal_data_salt has no effect: personal_data is keep, so all is in clear.")

    @property
    def _env_var_config(self) -> dict[str, Any]:
        # Private in the SDK, which looks for a .env above its own files and lets that win over the environment, takes
        # every text that does not mean true for false, and quotes what should be a number.
        self.append_builtin_config(self.config_jsonschema)
        settings, sources = environment.read(self.config_jsonschema)
        self.logger.info(sources)
        return settings

    @override
    def setup_mapper(self) -> None:
        """Prepare stream maps and flattening; called by the SDK once there are settings and a catalog.

        Raises:
            ConfigurationError: A map cannot be meant as it is, or flattening would give two columns one name.
        """
        columns = selection.columns_of(self._own_streams, self.input_catalog)
        selected = {stream.name for stream in self._own_streams if stream.selected}
        self.mapper = StreamMaps(self.config, self.logger, columns, selected)
        try:
            self.mapper.register_raw_streams_from_catalog(self.catalog)
        except ValueError as error:
            raise flattening.refusal(error, self.config) from None

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state; called by the SDK before anything is read.

        Raises:
            StateError: It cannot be gone on from.
        """
        keys = {stream.name: stream.bookmark_key for stream in self._own_streams} if state else {}
        checked, notes = read_state(state, keys)
        for note in notes:
            self.logger.warning(note)
        # The SDK's own would leave out what is beside the bookmarks.
        cast("dict[str, Any]", self.state).update(checked)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # Private in the SDK, which registers it for SIGTERM and SIGINT and has no hook beside it. Its own writes in the
        # middle of what the signal interrupted, and ends with 0, as if all had been read. Tests send real signals.
        if self._stopping:
            return  # a second one would break into the end that the first has brought about
        self._stopping = True
        if not self._started:
            # The state may be there in part, and would take the place of the whole one.
            stopping.end(signum)
        self.message_writer.when_idle(lambda: self._stop(signum))

    def _stop(self, signum: int) -> NoReturn:
        """Write what has been read so far and the state that goes with it, and end with the signal's exit code."""
        self.write_message(StateMessage(self.state))
        try:
            if self._report is not None:
                self._report.hush()
                self._report.sum_up()
            self.logger.warning("Stopped by %s; the next run goes on from here.", signal.Signals(signum).name)
        finally:  # standard error may be what the signal interrupted
            stopping.end(signum)

    @override  # type: ignore[misc] # final in the SDK, which has no hook at the end of a run
    def sync_all(self) -> None:
        """Read all selected streams.

        Raises:
            IncompleteError: Something that should have been read was not; all else has been.
        """
        self._check_selection()
        flattening.check(self._own_streams)
        self._started = True
        selected = [stream for stream in self._own_streams if stream.selected]
        self._report = Report(selected, self.workspaces, self.config)
        self._report.begin()
        try:
            for line in exchanged(self.state, self.workspaces.opened, complete=not self.workspaces.left_out):
                self.logger.warning(line)
            with read_side_by_side(selected, self.config.get("concurrency")):
                super().sync_all()
        finally:
            self._report.end()
        if self.config.get("workspaces"):
            note_names(cast("dict[str, Any]", self.state), self.workspaces.opened)
        # Once more where the SDK leaves it out, since it has not changed: many loaders forget the state at each record.
        self.write_message(StateMessage(self.state))
        self._check_complete()

    @override  # type: ignore[misc] # final in the SDK, which says nothing at the end of a test
    def run_connection_test(self) -> bool:
        """Read a record of each stream, and say which can be read and what is needed for the others.

        Raises:
            IncompleteError: As for a run.
        """
        drop_metrics()
        super().run_connection_test()
        if unmapped := cast("StreamMaps", self.mapper).unmapped:
            self.logger.warning(
                "Not shown, as the stream maps can be applied only once selected: %s", ", ".join(unmapped)
            )
        for line in verdict(self._own_streams):
            self.logger.info(line)
        self._check_complete()
        return True

    def _check_complete(self) -> None:
        """Fail where something is missing that should not be."""
        tallies = {stream.name: stream.tally for stream in self._own_streams}
        missing = [f"{name} ({', '.join(tally.incomplete)})" for name, tally in tallies.items() if tally.incomplete]
        missing += [
            f"workspace {name}"
            for name, error in self.workspaces.left_out.items()
            if self.config["strict"] or (isinstance(error, InstantlyAPIError) and error.kind not in SKIPPED_KINDS)
        ]
        if self.config["strict"]:
            lacking = {name: [*tally.skipped, *tally.passed_over] for name, tally in tallies.items()}
            missing += [f"{name} ({', '.join(entries)})" for name, entries in lacking.items() if entries]
        if missing:
            message = f"Not everything could be read: {'; '.join(missing)}; all else was. The reasons are above."
            raise IncompleteError(message)

    def _check_selection(self) -> None:
        if self.input_catalog is None:
            return
        if unknown := selection.unknown_streams(self.input_catalog, self.streams):
            self.logger.warning(unknown)
        selection.check_selected(self._own_streams, self.input_catalog)

    @property
    def _own_streams(self) -> list[InstantlyStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, InstantlyStream)]

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        for option in command.params:
            if option.name in {"state", "catalog"}:
                option.type = files.ObjectFile(option.name)
        return command

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        try:
            given = super().cb_config(ctx, param, value)
        except (OSError, ValueError, TypeError, RecursionError):
            # What the SDK trips over; only now read here too, since a pipe can be read once.
            for path in (path for path in value if path != "ENV"):
                files.read(path, "config")
            raise
        for line in unread(given.config) if value and not given.parse_env else ():
            cls.logger.warning(line)
        return given

    @cached_property
    def workspaces(self) -> Workspaces:
        """The workspaces that the configuration opens."""
        at_once, named = self.config.get("concurrency", AT_ONCE), bool(self.config.get("workspaces"))
        return Workspaces(self._clients, at_once=at_once, named=named)

    def _clients(self) -> dict[str, InstantlyClient | InstantlyError]:
        """A client for each workspace, by what messages call it."""
        if given := self.config.get("workspaces"):
            return {entry["name"]: self._client_or_error(entry) for entry in given}
        client = self._client(self.config["api_key"])
        if not (wanted := self.config.get("sub_workspaces")):
            return {OWN: client}
        if wanted not in (ALL, [ALL]):
            return {id_: self._client(self.config["api_key"], id_) for id_ in wanted}
        members = accepted_sub_workspaces(client, OWN)
        subs = {name: self._client(self.config["api_key"], id_) for name, id_ in members.items()}
        return {OWN: client, **subs}

    def _client_or_error(self, entry: Mapping[str, Any]) -> InstantlyClient | InstantlyError:
        try:
            return self._client(key_of(entry))
        except InstantlyError as error:  # a key that cannot be sent concerns no other workspace
            return error

    def _client(self, api_key: str | None, as_workspace: str | None = None) -> InstantlyClient:
        return InstantlyClient(
            api_key or "",  # of a variable that is there: checked with the settings
            as_workspace=as_workspace,
            api_url=self.config["api_url"],
            user_agent=self.config["user_agent"],
            page_size=self.config["page_size"],
            timeout=self.config["request_timeout"],
            max_retries=self.config["max_retries"],
            max_requests_per_second=self.config["max_requests_per_second"],
        )

    @override
    def discover_streams(self) -> Sequence[InstantlyStream]:
        return [stream(self, self.workspaces) for stream in STREAMS]
