"""An imitation of the Instantly.ai API v2 for tests and demonstrations.

It knows nothing of the tap it serves, so that the two cannot share a mistake.
"""

from __future__ import annotations

from sandbox.config import ApiKey, Manners, SandboxConfig
from sandbox.control import Control, ControlError
from sandbox.server import Server, serve

__all__ = ["ApiKey", "Control", "ControlError", "Manners", "SandboxConfig", "Server", "serve"]
