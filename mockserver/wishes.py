"""What a request asks of the mock by its headers.

`X-Mock-Status`, `X-Mock-Fault`, `X-Mock-Delay-Ms`, and `Prefer` as users of Prism know
it: `code=429`, `example=NAME` (of a rule, which then answers whatever its match says)
and `delay=MS`. Preferences of other kinds are left alone (RFC 7240).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from re import split
from typing import Final, TypeVar

from aios_conformance.mockserver.faults.kinds import Fault, FaultError, parse_fault
from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.located import short, unknown

_LONGEST: Final = 3_600_000  # milliseconds of a delay
_HEADERS: Final = ("X-Mock-Status", "X-Mock-Fault", "X-Mock-Delay-Ms", "Prefer")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; by default nothing."""

    fault: Fault | None = None
    delay: float = 0.0  # seconds
    example: str | None = None  # the name of a rule


def wishes(headers: Mapping[str, str]) -> bool:
    """Tell whether a request may ask for something."""
    names = " ".join(headers).lower()
    return "x-mock-" in names or "prefer" in names


def wished(headers: Mapping[str, str]) -> Wish:
    """Return what a request asks for; raises FaultError, which names the header."""
    said = dict(_said(headers))
    for name in headers:
        if name[:7].lower() == "x-mock-" and name.title() not in _HEADERS:
            raise FaultError(unknown("the mock", name, _HEADERS))
    status = _read(said, ("X-Mock-Status", "X-Mock-Fault"), parse_fault)
    code = _read(said, ("Prefer: code",), _code)
    delay = _read(said, ("X-Mock-Delay-Ms", "Prefer: delay"), _seconds)
    return Wish(status or code, delay or 0.0, said.get("Prefer: example"))


def _said(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _HEADERS[:-1]:
        if name in headers:
            yield name, headers[name]
    for preference in split("[,;]", headers.get("Prefer", "")):
        name, _, value = preference.partition("=")
        yield f"Prefer: {name.strip().lower()}", value.strip().strip('"')


def _read(
    said: Mapping[str, str], names: tuple[str, ...], parse: Callable[[str], T]
) -> T | None:
    """Return what the first name says that is there."""
    for name in names:
        if name in said:
            try:
                return parse(said[name])
            except FaultError as error:
                raise FaultError(f"{name} {error}") from None
    return None


def _code(text: str) -> Fault | None:
    if text == "200":
        return None
    if not 400 <= (whole_number(text) or 0) <= 599:
        raise FaultError(f"must be 200 or from 400 to 599, got {short(text)}")
    return Fault(text)


def _seconds(text: str) -> float:
    number = whole_number(text)
    if number is None or number > _LONGEST:
        wanted = f"a whole number from 0 to {_LONGEST}"
        raise FaultError(f"must be {wanted}, got {short(text)}")
    return number / 1000
