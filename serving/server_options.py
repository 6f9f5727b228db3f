"""What every server of ours may be told, and how each value is read."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from aios_conformance.serving.limits import Limits
from aios_conformance.serving.options import Option
from aios_conformance.serving.run import Address
from aios_conformance.spec import DIALECTS, SpecError, sound_dialect


def port(text: str) -> int:
    """Parse a port number; 0 means any free one."""
    number = whole(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"must be from 0 to 65535, got {text}")
    return number


def positive(text: str) -> int:
    """Parse an integer of at least 1."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number


def whole(text: str) -> int:
    """Parse an integer."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a whole number, got {text!r}"
        ) from None


def seconds(text: str) -> float:
    """Parse a positive number of seconds."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return number


def origin(text: str) -> str:
    """Parse an origin as browsers send it, or * for all."""
    if text != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+|null", text):
        raise argparse.ArgumentTypeError(
            f"must be like http://localhost:3000, or *, got {text!r}"
        )
    return text


def dialect(text: str) -> str:
    """Parse the name or the folder of a dialect; its name."""
    try:
        return sound_dialect(text)
    except SpecError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_LIMITS = Limits()

SERVING = (
    Option("host", "address to listen on", "127.0.0.1", metavar="HOST"),
    Option("port", "port to listen on; 0 takes a free one", 8000, port, "PORT"),
    Option(
        "api-key",
        "the accepted bearer key; without it everyone is served",
        metavar="KEY",
        variable="AIOS_API_KEY",
    ),
    Option(
        "body-limit",
        "largest request body in bytes",
        16 * 1024 * 1024,
        positive,
        "BYTES",
    ),
    Option(
        "max-entries",
        "most entries of an array or object in a request: inputs, documents, messages, "
        "tools, prompts times n, ...; token ids do not count",
        _LIMITS.max_entries,
        positive,
        "N",
    ),
    Option(
        "max-values",
        "most strings, arrays and objects in a request body; 3 numbers count as one",
        _LIMITS.max_values,
        positive,
        "N",
    ),
    Option(
        "max-generated",
        "most tokens in an answer, all choices and the alternatives shown of each "
        "token counted",
        _LIMITS.max_generated,
        positive,
        "N",
    ),
    Option(
        "self-check", "hold every answer against the contract", default=False, flag=True
    ),
    Option(
        "request-timeout",
        "seconds that a client may take to send a request's head, and its body",
        60.0,
        seconds,
        "SECONDS",
    ),
    Option(
        "cors-origin",
        "let pages of this origin call the API from a browser, * for all; repeatable",
        (),
        origin,
        "ORIGIN",
        repeat=True,
    ),
    Option(
        "until-eof",
        "also stop when standard input ends, as it does when the process that started "
        "this one is gone",
        default=False,
        flag=True,
    ),
    Option("access-log", "log every request", default=False, flag=True),
)
"""The options that every server of ours has."""


DIALECT = Option(
    "dialect",
    f"whose documents to follow: {', '.join(DIALECTS)}, or a folder; repeatable, see "
    "the README for which one stands where",
    default=("aios",),
    parse=dialect,
    metavar="NAME|DIR",
    repeat=True,
    words=lambda: DIALECTS,
)
"""Which contracts a server has; a dialect that is named twice counts once."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What every server of ours was asked to be."""

    address: Address
    dialects: tuple[str, ...] = ("aios",)  # the first one has the root
    api_key: str | None = None
    body_limit: int = 16 * 1024 * 1024  # bytes
    limits: Limits = _LIMITS
    request_timeout: float = 60.0  # seconds
    cors: tuple[str, ...] = ()  # origins of pages that may call the API
    until_eof: bool = False
    self_check: bool = False
    access_log: bool = False


def served(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of ServerOptions that resolved options set."""
    same = ("body_limit", "request_timeout", "until_eof", "self_check", "access_log")
    return {
        "address": Address(values["host"], values["port"]),
        "dialects": tuple(dict.fromkeys(values["dialect"])),
        "api_key": values["api_key"] or None,
        "limits": Limits(**{each.name: values[each.name] for each in fields(Limits)}),
        "cors": tuple(values["cors_origin"]),
        **{name: values[name] for name in same},
    }
