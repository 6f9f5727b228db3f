"""A request as a curl line that can be pasted into a shell."""

import shlex
from typing import Final

from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.control.journal import hashed

_KEYS: Final = {
    "authorization": "Bearer $OPENAI_API_KEY",
    "api-key": "$OPENAI_API_KEY",
    "x-api-key": "$OPENAI_API_KEY",
}
_OWN: Final = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "user-agent"}
)


def curl(exchange: Exchange, url: str) -> str:
    """Return the line; keys stand in it as a variable, other secrets not at all."""
    words = ["curl", "-X", exchange.method, shlex.quote(f"{url}{exchange.path}")]
    shown = hashed(exchange.headers)
    for name, value in exchange.headers.items():
        key = _KEYS.get(name.lower())
        if key is not None:
            words += ["-H", f'"{name}: {key}"']
        elif name.lower() not in _OWN and shown[name] == value:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if exchange.request:
        body = exchange.request.decode("utf-8", "replace")
        words += ["--data-binary", shlex.quote(body)]
    return " ".join(words)
