"""Two engines in one: the broken one for requests that are struck."""

from contextvars import ContextVar
from typing import Any

from aios_conformance.serving.engine import Engine

STRUCK: ContextVar[bool] = ContextVar("struck", default=False)


class Either:
    """The broken engine for requests that are struck, the faithful one for others."""

    def __init__(self, faithful: Engine, broken: Engine) -> None:
        """Be the faithful one until `STRUCK` says otherwise."""
        self._faithful = faithful
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        """Whatever the engine in force has."""
        return getattr(self._broken if STRUCK.get() else self._faithful, name)
