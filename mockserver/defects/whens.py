"""Conditions under which a defect acts."""

from collections.abc import Callable, Mapping
from typing import Any

from aios_conformance.serving.context import RequestContext

OfBody = Callable[[Mapping[str, Any]], bool]
OfContext = Callable[[RequestContext], bool]


def has(name: str) -> OfBody:
    """The body has a member."""
    return lambda body: name in body


def equals(name: str, *values: Any) -> OfBody:
    """A member of the body has one of these values."""
    return lambda body: name in body and body[name] in values


def is_list(name: str) -> OfBody:
    """A member of the body is an array."""
    return lambda body: isinstance(body.get(name), list)


def lacks(name: str) -> OfContext:
    """The body was read, and lacks a member."""
    return lambda context: bool(context.body) and name not in context.body


def starts_with(raw: bytes) -> OfContext:
    """The bytes of the request begin like this."""
    return lambda context: context.raw.startswith(raw)
