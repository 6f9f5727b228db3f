"""JSON pointers (RFC 6901): the two lines of them that we need."""

from collections.abc import Iterable


def steps(pointer: str) -> list[str]:
    """Return the names and positions that a pointer goes along.

    >>> steps("/paths/~1v1~1models/0")
    ['paths', '/v1/models', '0']
    """
    return [
        step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]
    ]


def pointer_to(path: Iterable[object]) -> str:
    """Write a path as a pointer.

    >>> pointer_to(["paths", "/v1/models", 0])
    '/paths/~1v1~1models/0'
    """
    return "".join(
        "/" + str(step).replace("~", "~0").replace("/", "~1") for step in path
    )
