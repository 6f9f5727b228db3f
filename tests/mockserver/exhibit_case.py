"""What shows an exhibit of the museum: requests, and what is seen of their answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exhibit_requests import Request
from plain_http import Reply


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that show an exhibit, and what tells it from the faithful mock.

    `seen` is given the answers of the broken and those of the faithful mock; given
    those of the faithful one twice, it must say no.
    """

    requests: Sequence[Request]
    seen: Callable[[list[Reply], list[Reply]], object]
    at_once: bool = False


def last(request: Request, seen: Callable[[Reply], object]) -> Case:
    """One request, judged by its own answer."""
    return Case([request], lambda found, _: seen(found[-1]))


def status(request: Request, wanted: int) -> Case:
    return last(request, lambda reply: reply.status == wanted)


def differs(by: Callable[[Reply], object], *requests: Request, **more: Any) -> Case:
    """By some measure, some answer is another one."""
    return Case(
        requests,
        lambda found, true: [by(one) for one in found] != [by(one) for one in true],
        **more,
    )
