"""The target: its settings, and the loop from messages to loaded batches."""

from __future__ import annotations

import contextlib
import difflib
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TargetCapabilities
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from typing_extensions import override

from target_dlt.ahead import Ahead
from target_dlt.batches import Batches, Rules
from target_dlt.errors import DestinationError, InputError, one_line
from target_dlt.rejects import Rejects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from logging import Logger
    from types import FrameType


# Arrow's own pool keeps some 40 MB of unused memory.
pa.set_memory_pool(pa.system_memory_pool())

MEGABYTE = 1 << 20
UPSERT, APPEND = "upsert", "append-only"
GRACE_SECONDS = 10
"""Seconds to clean up after a signal, before the process is forced to end."""

KEEP, FAIL = "keep", "fail"
PLACE = ["string", "object", "null"]


class Loader(GenericSingerReader[bytes]):
    """Loads messages in batches, and writes each state once everything that it covers is loaded.

    The SDK decodes and validates record by record, which takes several times as long as this whole loader.
    """

    default_input = sys.stdin  # type: ignore[assignment] # unused: standard input is read by its descriptor

    def __init__(self, config: Mapping[str, Any], logger: Logger, started: int) -> None:
        """Prepare without connecting.

        Args:
            config: The settings of the target.
            logger: The target's logger.
            started: Start of the load, in milliseconds since 1970.
        """
        self._config, self._logger, self._started = config, logger, started

    @override
    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        raise NotImplementedError  # batches decode the lines

    @override
    def process_lines(
        self, file_input: IO[Any] | None, callbacks: dict[str, Callable[[dict[Any, Any]], None]]
    ) -> Counter[str]:
        """Load all messages of the input. The SDK's ``callbacks``, one per message, are not called.

        Raises:
            TargetError: The input, a record or the destination ended the load. All states written before are valid.
        """
        from target_dlt.warehouse import Warehouse  # takes half a second to import  # noqa: PLC0415

        if not gc.isenabled():  # the command line disabled it during imports
            gc.freeze()
            gc.enable()
        if sys.stdout is None or (file_input is None and sys.stdin is None):
            msg = "Standard input and standard output must be open: they carry the messages of the tap and its states."
            raise InputError(msg)
        config, counts = self._config, Counter[str]()
        rejects = Rejects(Path(config["rejects_path"]) if config["rejects"] == KEEP else None, self._logger)
        rules = Rules(
            size=config["batch_size_mb"] * MEGABYTE,
            seconds=config["batch_wait_limit_seconds"],
            metadata=config["add_record_metadata"],
            upsert=config["load_method"] == UPSERT,
            started=self._started,
        )
        folder = Path(tempfile.mkdtemp(prefix="target-dlt-"))
        try:
            with Warehouse(config, folder, self._logger) as warehouse:
                batches = Batches(warehouse.form, rules, folder, rejects, counts)
                for batch in Ahead(batches.read(file_input)):
                    warehouse.load(batch)
                    if batch.state is not None:
                        sys.stdout.buffer.write(bytes(batch.state) + b"\n")
                        sys.stdout.buffer.flush()
        except OSError as error:
            msg = f"Cannot write a record or a state: {one_line(error)}"
            raise DestinationError(msg) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        rejects.summarize()
        return counts


class TargetDlt(Target):
    """Singer target for any dlt destination."""

    name = "target-dlt"
    package_name = "target-dlt"

    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property(
            "destination",
            th.StringType,
            default="duckdb",
            description="Destination of dlt: duckdb, postgres, snowflake, bigquery, filesystem and others.",
        ),
        th.Property(
            "credentials",
            th.CustomType({"type": PLACE}),
            secret=True,
            description="Location of the destination, as dlt expects it: the path of a DuckDB file, the URL of a "
            "database (postgresql://user:password@host/database), or an object. Without it, dlt's own variables and "
            "files apply.",
        ),
        th.Property(
            "destination_options",
            th.ObjectType(additional_properties=True),
            default={},
            description='Other arguments of dlt\'s destination, such as {"bucket_url": "data"} for filesystem.',
        ),
        th.Property(
            "default_target_schema", th.StringType, default="singer", description="Schema (dataset) of the tables."
        ),
        th.Property(
            "load_method",
            th.StringType,
            default=UPSERT,
            allowed_values=[UPSERT, APPEND],
            description="upsert: a record replaces the earlier one with its key. append-only: all records are kept.",
        ),
        th.Property(
            "hard_delete",
            th.BooleanType,
            default=False,
            description="If true, ACTIVATE_VERSION removes rows of earlier versions; else it sets _sdc_deleted_at.",
        ),
        th.Property(
            "add_record_metadata",
            th.BooleanType,
            default=True,
            description="Add the columns _sdc_..., which deletions need.",
        ),
        th.Property(
            "rejects",
            th.StringType,
            default=KEEP,
            allowed_values=[KEEP, FAIL],
            description="Treatment of records that cannot be loaded: keep writes them to a file and warns; fail "
            "ends the load.",
        ),
        th.Property(
            "rejects_path",
            th.StringType,
            default="rejects",
            description="Folder of the files with rejected records, one file per stream.",
        ),
        th.Property(
            "batch_size_mb",
            th.IntegerType(minimum=1),
            default=256,
            description="Megabytes of JSON records per batch. Memory does not grow with it.",
        ),
        th.Property(
            "batch_wait_limit_seconds",
            th.IntegerType(minimum=1),
            default=300,
            description="Seconds after which a batch is loaded, whatever its size.",
        ),
        th.Property(
            "memory_limit_mb",
            th.IntegerType(minimum=64),
            default=192,
            description="Memory limit of DuckDB. It grows only for records that do not fit.",
        ),
    ).to_dict()

    # If an object is among a setting's types, the SDK parses its variable as JSON, but not if anyOf lists them.
    config_jsonschema["properties"]["credentials"].update(anyOf=[{"type": PLACE}])

    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.STRUCTURED_LOGGING,
        TargetCapabilities.HARD_DELETE,
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build the target from its configuration.

        Raises:
            DestinationError: A setting is invalid.
        """
        try:
            super().__init__(*args, **kwargs)
        except ConfigValidationError as error:
            # The SDK's message has several lines and quotes secret values.
            names = {name for name in self.config_jsonschema["properties"] for text in error.errors if name in text}
            msg = f"Invalid settings: check {', '.join(sorted(names)) or 'their names and types'}."
            raise DestinationError(msg) from None
        except ValueError as error:
            msg = f"A variable that begins with TARGET_DLT_ has an invalid value: {one_line(error)}"
            raise DestinationError(msg) from None
        for name in self.config.keys() - self.config_jsonschema["properties"].keys():
            close = "".join(difflib.get_close_matches(name, self.config_jsonschema["properties"], 1))
            self.logger.warning("Unknown setting %r is ignored.%s", name, close and f" Did you mean {close}?")
        if (text := str(self.config.get("credentials"))).startswith("{"):  # from an environment variable
            with contextlib.suppress(ValueError):
                self._config["credentials"] = json.loads(text)
        self.message_reader = Loader(self.config, self.logger, self.initialized_at)
        for number in (signal.SIGINT, signal.SIGTERM):
            # The SDK's handler would first load the rest of a batch, and exits with 0.
            signal.signal(number, _stop)

    @classmethod
    @override
    def cb_config(cls, ctx: Any, param: Any, value: tuple[str, ...]) -> Any:
        """Read the configuration files.

        Raises:
            DestinationError: A file cannot be read.
        """
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, ValueError) as error:
            msg = f"Cannot read the settings: {one_line(error)}"
            raise DestinationError(msg) from None

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add none of the SDK's built-in settings. The supported ones are declared above."""


def _stop(number: int, _frame: FrameType | None) -> None:
    """End at once. Uncommitted rows are rolled back, and the tap sends them again in the next run."""
    # Python drops an exit that is raised inside a finalizer, and may then hold the import lock.
    signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + number))
    signal.alarm(GRACE_SECONDS)
    sys.exit(128 + number)


__all__ = ["DestinationError", "InputError", "TargetDlt"]
