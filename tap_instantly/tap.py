"""The Singer tap."""

from __future__ import annotations

import copy
import logging
import os
import signal
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError, ConfigValidationError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from singer_sdk.metrics import METRICS_LOGGER_NAME
from singer_sdk.singerlib import Catalog, StateMessage
from typing_extensions import override

from tap_instantly.client import redaction
from tap_instantly.progress.connection_test import readable_streams
from tap_instantly.progress.report import Report
from tap_instantly.settings import KEEP, SETTINGS
from tap_instantly.streams import STREAMS, InstantlyStream, flattening
from tap_instantly.streams.leads import Leads
from tap_instantly.sync import shutdown, stream_maps
from tap_instantly.sync.completeness import check_complete, strictness
from tap_instantly.sync.concurrency import reading_ahead
from tap_instantly.sync.state import note_names
from tap_instantly.sync.stream_maps import StreamMaps
from tap_instantly.sync.writer import BufferedWriter
from tap_instantly.validation import catalog, config, environment, files, keys
from tap_instantly.validation.state import changed_workspaces, check_state
from tap_instantly.workspaces import Workspaces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk.streams import Stream


class TapInstantly(Tap):
    """Extracts campaigns, sending accounts, leads and analytics from the Instantly.ai API v2."""

    name = "tap-instantly"
    message_writer_class = BufferedWriter
    message_writer: BufferedWriter
    _started = False
    _stopping = False
    _report: Report | None = None
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own settings
    # The SDK's batches bypass selection and stream maps.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        each for each in Tap.capabilities if each is not PluginCapabilities.BATCH
    ]

    def __init__(self, *args: Any, validate_config: bool = True, **kwargs: Any) -> None:
        """Build the tap from its configuration.

        Raises:
            ConfigurationError: A setting, the catalog or the state is invalid. The message is one line that names it.
        """
        redaction.remember(keys.secrets(kwargs.get("config")))
        if not isinstance(given := kwargs.get("catalog"), (type(None), PurePath, Catalog)):
            catalog.check_form(given)
        if not isinstance(given := kwargs.get("state"), (type(None), PurePath)):
            check_state(given, {})  # the SDK treats an empty state as none, and text as a file name
        try:
            super().__init__(*args, validate_config=validate_config, **kwargs)
        except ConfigValidationError as error:
            # The SDK's messages quote secrets and are replaced. Flattening errors carry no schema.
            found = config.problems(self.config, error.schema or self.config_jsonschema)
            raise ConfigurationError("; ".join(found)) from None
        redaction.remember(keys.secrets(self.config))  # keys from environment variables
        if kwargs.get("parse_env_config"):
            for line in environment.unknown_variables(os.environ, self.config_jsonschema):
                self.logger.warning(line)
        if validate_config:
            self._check_settings()

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        stream_maps.mend(config_jsonschema["properties"]["stream_maps"])

    def _check_settings(self) -> None:
        found = config.problems(self.config, self.config_jsonschema)
        if found := found or list(environment.unread_choices(self.config, os.environ)):
            raise ConfigurationError("; ".join(found))
        if self.config.get("personal_data_salt") and self.config["personal_data"] == KEEP:
            self.logger.warning(
                "personal_data_salt has no effect, because personal_data is 'keep': all data is in clear."
            )

    @property
    def _env_var_config(self) -> dict[str, Any]:
        # Private in the SDK. Its version searches for .env upwards from the SDK's files and lets that file override the
        # environment. It also reads unknown booleans as false and quotes invalid numbers.
        self.append_builtin_config(self.config_jsonschema)
        settings, sources = environment.read(self.config_jsonschema)
        self.logger.info(sources)
        return settings

    @override
    def setup_mapper(self) -> None:
        """Prepare stream maps and flattening. The SDK calls this once settings and catalog are loaded.

        Raises:
            ConfigurationError: A stream map is invalid, or flattening gives two columns the same name.
        """
        columns = catalog.columns_of(self._own_streams, self.input_catalog)
        selected = {stream.name for stream in self._own_streams if stream.selected}
        self.mapper = StreamMaps(self.config, self.logger, columns, selected)
        try:
            self.mapper.register_raw_streams_from_catalog(self.catalog)
        except ValueError as error:
            raise flattening.refusal(error, self.config) from None

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Load the state to resume from. The SDK calls this before the run reads anything.

        Raises:
            StateError: The state is invalid.
        """
        keys = {stream.name: stream.bookmark_key for stream in self._own_streams} if state else {}
        checked, notes = check_state(state, keys)
        for note in notes:
            self.logger.warning(note)
        # The SDK's version drops everything except the bookmarks.
        cast("dict[str, Any]", self.state).update(checked)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # Private in the SDK, which registers it for SIGTERM and SIGINT and has no public hook. The SDK's version writes
        # in the middle of an interrupted write and exits with 0. Tests send real signals.
        if self._stopping:
            return  # a second signal must not interrupt the first one's shutdown
        self._stopping = True
        if not self._started:
            # The state may be partly loaded and must not overwrite the complete one.
            shutdown.end(signum)
        self.message_writer.when_idle(lambda: self._stop(signum))

    def _stop(self, signum: int) -> NoReturn:
        """Write the buffered records and their state, then exit with the signal's exit code."""
        self.write_message(StateMessage(self.state))
        try:
            if self._report is not None:
                self._report.silence()
                self._report.sum_up()
            self.logger.warning("Stopped by %s. The next run resumes from here.", signal.Signals(signum).name)
        finally:  # standard error may be the interrupted write
            shutdown.end(signum)

    @override  # type: ignore[misc] # final in the SDK, which has no end-of-run hook
    def sync_all(self) -> None:
        """Read all selected streams.

        Raises:
            IncompleteError, RefusedError: Some selected data could not be read. Everything else has been written.
        """
        self._check_selection()
        flattening.check(self._own_streams)
        self._started = True
        selected = [stream for stream in self._own_streams if stream.selected]
        self._report = Report(selected, self.workspaces, self.config)
        self._report.begin()
        try:
            for line in changed_workspaces(self.state, self.workspaces.opened, complete=not self.workspaces.failed):
                self.logger.warning(line)
            with reading_ahead(selected, self.config.get("concurrency")):
                super().sync_all()
        finally:
            self._report.end()
        if self.config.get("workspaces"):
            note_names(cast("dict[str, Any]", self.state), self.workspaces.opened)
        # The SDK skips an unchanged STATE, but many loaders discard their state at each record.
        self.write_message(StateMessage(self.state))
        self._check_complete()

    @override  # type: ignore[misc] # final in the SDK, which prints no result
    def run_connection_test(self) -> bool:
        """Read one record of each stream. Log the readable streams, and the requirements of the others.

        Raises:
            IncompleteError, RefusedError: As for a run.
        """
        logging.getLogger(METRICS_LOGGER_NAME).setLevel(logging.WARNING)  # a test does not need the metrics
        super().run_connection_test()
        if unmapped := cast("StreamMaps", self.mapper).unmapped:
            self.logger.warning("Streams not listed: select them to apply their stream maps: %s", ", ".join(unmapped))
        for line in readable_streams(self._own_streams):
            self.logger.info(line)
        self._check_complete()
        return True

    def _check_complete(self) -> None:
        """Raise an error if required data is missing."""
        counts = {stream.name: stream.counts for stream in self._own_streams}
        check_complete(counts, self.workspaces.failed, strictness(self.config))

    def _check_selection(self) -> None:
        if self.input_catalog is None:
            return
        if unknown := catalog.unknown_streams(self.input_catalog, self.streams):
            self.logger.warning(unknown)
        catalog.check_selected(self._own_streams, self.input_catalog)

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
            # Find the cause of the SDK's error. Only now, because a pipe can be read only once.
            for path in (path for path in value if path != "ENV"):
                files.read(path, "config")
            raise
        for line in environment.unread(given.config) if value and not given.parse_env else ():
            cls.logger.warning(line)
        return given

    @cached_property
    def workspaces(self) -> Workspaces:
        """Workspaces of the configuration."""
        return Workspaces(self.config)

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """Streams in the order in which they are written: leads, then the others by name.

        Leads need the most requests, and many wait for another one. The others are read meanwhile.
        """
        return dict(sorted(super().streams.items(), key=lambda item: item[0] != Leads.name))

    @override
    def discover_streams(self) -> Sequence[InstantlyStream]:
        return [stream(self, self.workspaces) for stream in STREAMS]
