"""The connection of a client to another process, which hands its requests on to us."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from aios_conformance.serving.bodies import RequestKey

LINE_HEADER: Final = "AIOS-Mock-Line"
"""Says which connection a request came by. Only other processes of ours can send it:
it is read from nobody else."""


class FarLine:
    """Stands for a connection that we do not have."""

    def __init__(self, address: str | None = None) -> None:
        """`address` is the one that the client has connected to."""
        self.address = address
        self.closed = False

    def is_closing(self) -> bool:
        """Tell whether it is closed."""
        return self.closed

    def close(self) -> None:
        """Be closed from now on."""
        self.closed = True

    def headers(self, request: web.Request) -> Mapping[str, str]:
        """Return the headers as the client sent them."""
        sent = CIMultiDict(request.headers)
        sent.popall(LINE_HEADER, None)
        return sent


LINE = RequestKey("line", FarLine)
"""Where a request that was handed on has the client's connection."""
