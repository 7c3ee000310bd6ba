"""The areas of the API: the sum of `AREA` of each module of this package."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from sandbox.api import Area

MODULES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
API: Area = sum((module.AREA for module in MODULES if hasattr(module, "AREA")), Area())
