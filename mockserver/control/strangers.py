"""Who may use `/_mock/`: programs on this machine, not pages that a browser shows.

A page of anywhere can send requests to a server on this machine, and with a name that
leads here (DNS rebinding) it can read the answers too. Both show in the request: in
`Host`, and in what browsers say of where a request comes from.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from aios_conformance.mockserver.control.elsewhere import LINE, FarLine
from aios_conformance.serving.admission import keyed
from aios_conformance.serving.errors import ApiError, Forbidden

_HOST: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^\s:/?#@\[\]]+))(?::\d*)?")
_OURS: Final = ("same-origin", "none")  # Sec-Fetch-Site of what no other page sent


def stranger(
    request: web.Request, allowed: Collection[str], key: str | None
) -> ApiError | None:
    """Return the refusal of a request that must not control the mock."""
    host = request.headers.get("Host", "")
    name = _name(host) if request.host in (host, _name(host)) else ""
    if not (_loopback(name) or name in allowed or name == _bound(request)):
        return Forbidden(
            f"/_mock/ is not served under the name {host[:100]!r}; use 127.0.0.1, or "
            "allow the name with --allow-host",
            code="host_not_allowed",
        )
    origin = request.headers.get("Origin")
    foreign = origin is not None and origin.partition("://")[2] != host
    if foreign or request.headers.get("Sec-Fetch-Site", "none") not in _OURS:
        return Forbidden(
            "/_mock/ does not obey pages of another origin", code="cross_origin"
        )
    try:
        keyed(request.headers, key)
    except ApiError as error:
        return error
    return None


def _name(host: str) -> str:
    """Return the host without its port and brackets; empty for what is no host."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _bound(request: web.Request) -> str | None:
    """Return the address that the request came to."""
    line: FarLine | None = request.get(LINE)
    if line is not None:
        return line.address
    transport = request.transport
    address = transport and transport.get_extra_info("sockname")
    return str(address[0]) if isinstance(address, tuple) else None
