"""The target: its settings, and the loop from messages to loaded batches."""

from __future__ import annotations

import contextlib
import json
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


# The one of its own keeps some 40 MB that are no longer used.
pa.set_memory_pool(pa.system_memory_pool())

MEGABYTE = 1 << 20
UPSERT, APPEND = "upsert", "append-only"
KEEP, FAIL = "keep", "fail"
PLACE = ["string", "object", "null"]


class Loader(GenericSingerReader[bytes]):
    """Loads messages in batches, and writes each state once all that it covers is loaded.

    The SDK would decode and check record by record, which takes several times as long as all that is done here.
    """

    default_input = sys.stdin  # type: ignore[assignment] # not used: standard input is read by its descriptor

    def __init__(self, config: Mapping[str, Any], logger: Logger, started: int) -> None:
        """Prepare; nothing is connected to yet.

        Args:
            config: The settings of the target.
            logger: Its logger.
            started: When the load began, in milliseconds since 1970.
        """
        self._config, self._logger, self._started = config, logger, started

    @override
    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        raise NotImplementedError  # batches decode lines themselves

    @override
    def process_lines(
        self, file_input: IO[Any] | None, callbacks: dict[str, Callable[[dict[Any, Any]], None]]
    ) -> Counter[str]:
        """Load all messages of the input; ``callbacks``, the SDK's for one message each, are not called.

        Raises:
            TargetError: The input, a record or the destination ends the load. All states written before hold.
        """
        from target_dlt.warehouse import Warehouse  # takes half a second to import  # noqa: PLC0415

        if sys.stdout is None or (file_input is None and sys.stdin is None):
            msg = "Standard input and standard output have to be open: the messages of the tap, and its states."
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
            msg = f"Cannot write what has been read, or a state: {one_line(error)}"
            raise DestinationError(msg) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        rejects.summarize()
        return counts


class TargetDlt(Target):
    """Loads what any Singer tap writes into any destination of dlt."""

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
            description="Where the destination is, as dlt takes it: the path of a DuckDB file, the address of a "
            "database (postgresql://user:password@host/database), or an object. Without it dlt's own variables and "
            "files say so.",
        ),
        th.Property(
            "destination_options",
            th.ObjectType(additional_properties=True),
            default={},
            description='Other arguments of dlt\'s destination, {"bucket_url": "data"} for filesystem, say.',
        ),
        th.Property(
            "default_target_schema",
            th.StringType,
            default="singer",
            description="Schema (dataset) that the tables are in.",
        ),
        th.Property(
            "load_method",
            th.StringType,
            default=UPSERT,
            allowed_values=[UPSERT, APPEND],
            description="upsert: a record takes the place of the earlier one with its key. append-only: all are kept.",
        ),
        th.Property(
            "hard_delete",
            th.BooleanType,
            default=False,
            description="Whether ACTIVATE_VERSION removes rows of earlier versions, or sets their _sdc_deleted_at.",
        ),
        th.Property(
            "add_record_metadata",
            th.BooleanType,
            default=True,
            description="Add the columns _sdc_...; deletions need them.",
        ),
        th.Property(
            "rejects",
            th.StringType,
            default=KEEP,
            allowed_values=[KEEP, FAIL],
            description="What becomes of a record that cannot be loaded: keep writes it to a file and goes on with a "
            "warning; fail ends the load.",
        ),
        th.Property(
            "rejects_path",
            th.StringType,
            default="rejects",
            description="Folder of those files, one for each stream.",
        ),
        th.Property(
            "batch_size_mb",
            th.IntegerType(minimum=1),
            default=256,
            description="Megabytes of records, as JSON, that are loaded in one go. Memory does not grow with it.",
        ),
        th.Property(
            "batch_wait_limit_seconds",
            th.IntegerType(minimum=1),
            default=300,
            description="Seconds after which a batch is loaded even if it is small.",
        ),
        th.Property(
            "memory_limit_mb",
            th.IntegerType(minimum=64),
            default=192,
            description="Memory that DuckDB may use. More is taken only for records that do not fit in it.",
        ),
    ).to_dict()

    # Where a type may be an object, the SDK reads each variable as JSON; not where it is one of several.
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
            DestinationError: A setting is wrong.
        """
        try:
            super().__init__(*args, **kwargs)
        except ConfigValidationError as error:
            # The SDK's text is several lines, and quotes values of secrets.
            names = {name for name in self.config_jsonschema["properties"] for text in error.errors if name in text}
            msg = f"Settings are not valid: check {', '.join(sorted(names)) or 'their names and types'}."
            raise DestinationError(msg) from None
        except ValueError as error:
            msg = f"A variable that begins with TARGET_DLT_ has a value that is not valid: {one_line(error)}"
            raise DestinationError(msg) from None
        if (text := str(self.config.get("credentials"))).startswith("{"):  # of a variable
            with contextlib.suppress(ValueError):
                self._config["credentials"] = json.loads(text)
        self.message_reader = Loader(self.config, self.logger, self.initialized_at)
        for number in (signal.SIGINT, signal.SIGTERM):
            # The SDK's handler ends with 0, and would load what has been read of a batch first.
            signal.signal(number, _stop)

    @classmethod
    @override
    def cb_config(cls, ctx: Any, param: Any, value: tuple[str, ...]) -> Any:
        """Read the files of settings.

        Raises:
            DestinationError: One cannot be read.
        """
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, ValueError) as error:
            msg = f"Cannot read the settings: {one_line(error)}"
            raise DestinationError(msg) from None

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add none of the SDK's settings: those that have a meaning here are declared above."""


def _stop(number: int, _frame: FrameType | None) -> None:
    """End at once: what is not committed is rolled back, and the tap will send it again."""
    sys.exit(128 + number)


__all__ = ["DestinationError", "InputError", "TargetDlt"]
