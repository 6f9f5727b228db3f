"""What several dialects promise about the same thing, so that they can be compared."""

from dataclasses import dataclass
from functools import cache

from aios_conformance.spec._files import HERE, read_yaml


@dataclass(frozen=True, slots=True)
class Promise:
    """Requirements of several dialects on the same thing."""

    group: str
    title: str
    ids: tuple[str, ...]


@cache
def promises() -> tuple[Promise, ...]:
    """Every promise on embeddings and model lists, in the order of the reports."""
    return tuple(
        Promise(group, title, tuple(ids))
        for group, rows in read_yaml(HERE / "promises.yaml").items()
        for title, ids in rows.items()
    )
