"""An imitation of the Instantly.ai API v2 for tests and demonstrations.

It is independent of the tap, so that the two cannot share a mistake.
"""

from __future__ import annotations

from sandbox.config import ApiKey, Behaviour, SandboxConfig
from sandbox.control import Control, ControlError
from sandbox.server import Server, serve

__all__ = ["ApiKey", "Behaviour", "Control", "ControlError", "SandboxConfig", "Server", "serve"]
