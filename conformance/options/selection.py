"""`--only`: the requirements that a run exercises, by id or topic."""

from collections.abc import Iterable
from difflib import get_close_matches

from aios_conformance.conformance.options.values import OptionError
from aios_conformance.spec import requirements


def selected(only: Iterable[str] | None, dialect: str) -> frozenset[str] | None:
    """The ids that lists of words name by themselves or by their topics; None for all.

    Raises OptionError for what the dialect does not judge.
    """
    if not only:
        return None
    words = [word.strip() for each in only for word in each.split(",")]
    known = [row for row in requirements(dialect) if row.excluded is None]
    found: set[str] = set()
    for word in filter(None, words):
        rows = {row.id for row in known if word in (row.id, row.topic)}
        if not rows:
            near = get_close_matches(word, {n for r in known for n in (r.id, r.topic)})
            raise OptionError(
                f"--only {word}: no requirement that is judged under {dialect}",
                code="unknown-id",
                hint=f"did you mean {near[0]}?"
                if near
                else "`aios-conformance list` prints them",
            )
        found |= rows
    if not found:
        raise OptionError("--only names no requirement", code="unknown-id")
    return frozenset(found)
