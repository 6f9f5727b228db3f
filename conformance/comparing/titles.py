"""A cause in one sentence: what the two sides, A and B, do differently."""

from collections.abc import Callable, Mapping, Sequence

from aios_conformance.conformance.comparing.answers import is_determined
from aios_conformance.conformance.comparing.pairs import Found, Side
from aios_conformance.conformance.terms.visible import visible

_LONGEST = 80
_CONTEXT = 12
_Told = Callable[[Sequence[Found], str], str]


def told(found: Sequence[Found], one: Side, subject: str) -> str:
    """The sentence of differences that have one cause."""
    kind = found[0][1].kind
    if kind in ("text", "tie"):
        return _texts(found, is_determined(found[0][0].one, one.dialect))
    return _SENTENCES.get(kind, _value)(found, subject)


def _unanswered(found: Sequence[Found], subject: str) -> str:
    pair, each = found[0]
    is_answered = pair.one.response is not None and not pair.one.response.broken
    name, why = ("B", each.other) if is_answered else ("A", each.one)
    return f"{name} gives no whole answer to {subject}: {why}"


def _support(found: Sequence[Found], subject: str) -> str:
    yes, no, code = _sides(found)
    return f"{no} refuses what {yes} accepts, with {code}: {subject}"


def _crash(found: Sequence[Found], subject: str) -> str:
    yes, no, code = _sides(found)
    return f"{no} breaks down with {code} where {yes} answers: {subject}"


def _sides(found: Sequence[Found]) -> tuple[str, str, object]:
    """Who does better, who does worse, and with which status."""
    each = found[0][1]
    is_one_better = each.one < each.other
    return ("A", "B", each.other) if is_one_better else ("B", "A", each.one)


def _code(found: Sequence[Found], _: str) -> str:
    each = found[0][1]
    return f"A answers {each.one} where B answers {each.other}"


def _media(found: Sequence[Found], _: str) -> str:
    return f"the Content-Type is {_said(found)}"


def _stream(found: Sequence[Found], _: str) -> str:
    return f"events of streams come in another order: {_said(found)}"


def _member(found: Sequence[Found], _: str) -> str:
    each = found[0][1]
    lacking, having, kind = (
        ("B", "A", each.one) if each.other == "absent" else ("A", "B", each.other)
    )
    return f"{lacking} leaves out {_place(found)} ({kind} in {having})"


def _length(found: Sequence[Found], _: str) -> str:
    return f"{_place(found)} has another number of items: {_said(found)}"


def _vector(found: Sequence[Found], _: str) -> str:
    each = found[0][1]
    if isinstance(each.one, int):
        return f"vectors have {each.one} numbers in A, {each.other} in B"
    far = max(d.other for _, d in found)
    least = 1 - max(d.size for _, d in found)
    return f"vectors differ: cosine down to {least:.6f}, numbers by up to {far:.2g}"


def _score(found: Sequence[Found], _: str) -> str:
    return f"{_place(found)} differs by up to {_most(found):.2g}"


def _logprob(found: Sequence[Found], _: str) -> str:
    return f"log probabilities differ by up to {_most(found):.2g}"


def _rank(found: Sequence[Found], _: str) -> str:
    return f"results are ranked otherwise: {_said(found)}"


def _count(found: Sequence[Found], _: str) -> str:
    sizes = [each.size for _, each in found]
    least, most = f"{min(sizes):+g}", f"{max(sizes):+g}"
    span = least if least == most else f"{least} to {most}"
    return f"{_place(found)} is {span} in B: {_said(found)}"


def _more(found: Sequence[Found], _: str) -> str:
    return f"answers differ in up to {_most(found):g} things more than are told"


def _texts(found: Sequence[Found], how: str) -> str:
    but = " after the same beginning" if found[0][1].kind == "tie" else ""
    under = "with a seed" if how == "seed" else f"at {how}"
    return f"texts {under} differ{but}: {_said(found)}"


def _value(found: Sequence[Found], _: str) -> str:
    return f"{_place(found)} is {_said(found)}"


def _place(found: Sequence[Found]) -> str:
    """The place in the answer as JavaScript would write it."""
    each = found[0][1]
    words = each.pointer.strip("/").replace("/*", "[]").replace("/", ".")
    shown = _brief(visible(words).replace("`", "'"))
    return f"`{shown}`" + (" of errors" if each.is_refusal else "")


def _said(found: Sequence[Found]) -> str:
    """What stands on both sides, of the shortest request."""
    shortest = min(found, key=lambda each: len(each[0].one.request.body))[1]
    one, other = shortest.one, shortest.other
    if isinstance(one, str) and isinstance(other, str):
        parted = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
        alike = next(parted, min(len(one), len(other))) - _CONTEXT
        if alike > _CONTEXT:  # told from where they part
            one, other = f"… {one[alike:]}", f"… {other[alike:]}"
    said = f"{_short(one)} in A, {_short(other)} in B"
    is_alike = len({(str(d.one), str(d.other)) for _, d in found}) == 1
    return said if is_alike else f"{said}, for one"


def _short(value: object) -> str:
    is_quoted = isinstance(value, str) and (not value or " " in value)
    return _brief(visible(repr(value) if is_quoted else str(value)))


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _most(found: Sequence[Found]) -> float:
    return max(abs(each.size) for _, each in found)


_SENTENCES: Mapping[str, _Told] = {
    "unanswered": _unanswered,
    "support": _support,
    "crash": _crash,
    "code": _code,
    "media": _media,
    "stream": _stream,
    "member": _member,
    "length": _length,
    "vector": _vector,
    "score": _score,
    "logprob": _logprob,
    "rank": _rank,
    "count": _count,
    "more": _more,
}
