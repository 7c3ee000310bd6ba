"""Filter out noisy log lines of the SDK."""

from __future__ import annotations

import logging
import os

from singer_sdk.metrics import METRICS_LOGGER_NAME
from typing_extensions import override

OF_EACH_STREAM = ("Skipping deselected stream", "Beginning sync of", "Starting incremental sync of")
"""Prefixes of SDK lines per stream or workspace that add nothing to the ``Synced`` line."""


class Quiet(logging.Filter):
    """Log filter that drops the SDK's lines per stream, except at level DEBUG.

    Args:
        metrics: True to keep the SDK's metrics.
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
    """Reduce the log of this process to one line per stream and the summary.

    With ``SINGER_SDK_LOG_CONFIG`` the metrics stay: Meltano sets it, and reads them.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(Quiet(metrics="SINGER_SDK_LOG_CONFIG" in os.environ))
