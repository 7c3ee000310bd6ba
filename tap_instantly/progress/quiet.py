"""Filter out noisy log lines of the SDK."""

from __future__ import annotations

import logging
import os

from singer_sdk.metrics import METRICS_LOGGER_NAME

OF_EACH_STREAM = ("Skipping deselected stream", "Beginning sync of", "Starting incremental sync of")
"""Prefixes of SDK lines per stream or workspace that add nothing to the ``Synced`` line."""


def quieten() -> None:
    """Reduce the log of this process to one line per stream and the summary, except at level DEBUG.

    With ``SINGER_SDK_LOG_CONFIG`` the metrics stay: Meltano sets it, and reads them.
    """
    metrics = "SINGER_SDK_LOG_CONFIG" in os.environ

    def is_kept(record: logging.LogRecord) -> bool:
        if record.levelno != logging.INFO or logging.getLogger().isEnabledFor(logging.DEBUG):
            return True
        return metrics if record.name == METRICS_LOGGER_NAME else not str(record.msg).startswith(OF_EACH_STREAM)

    for handler in logging.getLogger().handlers:
        handler.addFilter(is_kept)
