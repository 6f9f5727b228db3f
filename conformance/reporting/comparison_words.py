"""The words in which comparisons of two targets, or of two days, are told."""

from collections import Counter
from collections.abc import Iterator

from aios_conformance.conformance.comparing.causes import Cause
from aios_conformance.conformance.comparing.comparison import STATUSES, Compared
from aios_conformance.conformance.terms.curl import curl_line
from aios_conformance.conformance.terms.visible import visible

LONGEST = 400


def outcome(compared: Compared) -> str:
    """What came out, in one sentence."""
    if not compared.pairs:
        return "Nothing could be compared."
    number = len(compared.counted)
    if not number:
        return "The two do the same, as far as it was asked."
    plural = "" if number == 1 else "s"
    verb = "differs" if number == 1 else "differ"
    return f"{number} thing{plural} {verb} between the two."


def counts(compared: Compared) -> str:
    """How much was compared, in one sentence."""
    free = (
        f", {compared.free} of them with texts left to chance" if compared.free else ""
    )
    left = sum(compared.left.values())
    rest = f"; {left} could not be compared" if left else ""
    return (
        f"{compared.same} of {compared.pairs} pairs of answers are the same"
        f"{free}{rest}."
    )


def statuses(compared: Compared) -> str:
    """How many requirements do the same, in a few words."""
    found = Counter(row.status for row in compared.rows)
    return ", ".join(f"{found[s]} {shown_status(s)}" for s in STATUSES if found[s])


def shown_status(status: str) -> str:
    """A status as words after a number."""
    return {"differs": "differ", "only A": "only in A", "only B": "only in B"}.get(
        status, status
    )


def spans(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a sentence, each with whether it is code: what backticks enclose."""
    parts = text.split("`")
    is_whole = len(parts) % 2 == 1
    for place, part in enumerate(parts if is_whole else [text]):
        yield place % 2 == 1, part


def curl_lines(cause: Cause, compared: Compared) -> tuple[str, str] | None:
    """The lines that show a cause on both sides."""
    if cause.curls or cause.example is None:
        return cause.curls
    pair, _ = cause.example
    one, other = compared.one, compared.other
    return (
        curl_line(one.url, pair.one.request, (one.key_env,)),
        curl_line(other.url, pair.other.request, (other.key_env,)),
    )


def values(cause: Cause) -> tuple[str, str] | None:
    """What stands on both sides in the example of a cause."""
    if cause.curls or cause.example is None:
        return None
    _, each = cause.example
    return _shown(each.one), _shown(each.other)


def _shown(value: object) -> str:
    text = visible(str(value)) or "(nothing)"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
