"""Time zones for test processes: results must not depend on them."""

from __future__ import annotations

EAST = "Asia/Kolkata"
"""Ahead of UTC, not by whole hours."""

WEST = "America/Los_Angeles"
"""Behind UTC."""

FIRST, LAST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
"""The zones in which a day begins first and ends last: at any moment, one of them has another date than UTC."""
