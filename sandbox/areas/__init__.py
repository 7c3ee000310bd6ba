"""The areas of the API: the sum of `AREA` of each module of this package."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from sandbox.api import Area


def _area(name: str) -> Area:
    found = getattr(import_module(f"{__name__}.{name}"), "AREA", None)
    if not isinstance(found, Area):
        message = f"{__name__}.{name} has no AREA; modules without endpoints belong into sandbox/makers"
        raise TypeError(message)
    return found


API: Area = sum((_area(module.name) for module in pkgutil.iter_modules(__path__)), Area())
