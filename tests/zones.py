"""Time zones for the processes of tests: nothing may depend on any of them."""

from __future__ import annotations

EAST = "Asia/Kolkata"
"""Ahead of UTC, and not by whole hours."""

WEST = "America/Los_Angeles"
"""Behind UTC."""

FIRST, LAST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
"""The zones in which a day begins first and ends last: at any moment, one of the two has another date than UTC."""
