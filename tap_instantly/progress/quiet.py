"""Lines of the SDK that a log is better without."""

from __future__ import annotations

import logging
import os

from singer_sdk.metrics import METRICS_LOGGER_NAME
from typing_extensions import override

OF_EACH_STREAM = ("Skipping deselected stream", "Beginning sync of", "Starting incremental sync of")
"""Beginnings of the SDK's lines that tell of each stream, or each workspace, no more than its ``Synced`` line."""


class Quiet(logging.Filter):
    """Passes on what the SDK says of each stream only where the level is DEBUG.

    Args:
        metrics: Whether the SDK's metrics are passed on all the same.
    """

    def __init__(self, *, metrics: bool) -> None:
        super().__init__()
        self._metrics = metrics

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.INFO or logging.getLogger().isEnabledFor(logging.DEBUG):
            return True
        if record.name == METRICS_LOGGER_NAME:
            return self._metrics
        return not str(record.msg).startswith(OF_EACH_STREAM)


def quieten() -> None:
    """Keep the log of this process to a line for each stream and the summary.

    Who says how to log with ``SINGER_SDK_LOG_CONFIG`` gets the metrics too: Meltano does, and reads them.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(Quiet(metrics="SINGER_SDK_LOG_CONFIG" in os.environ))


def drop_metrics() -> None:
    """Log no metrics from here on: of a test of the connection nobody needs them."""
    logging.getLogger(METRICS_LOGGER_NAME).setLevel(logging.WARNING)
