"""What embeddings answers promise beside each other."""

from collections.abc import Iterator, Mapping, Sequence

from aios_conformance.conformance.checks.counted import Counted
from aios_conformance.conformance.checks.observed import answer, answered
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.tolerances import (
    COSINE_NEAR,
    COSINE_SAME,
)
from aios_conformance.conformance.terms.vectors import (
    Vector,
    agreement,
    cosine,
    decoded,
    floats,
    is_close,
    largest_difference,
)
from aios_conformance.conformance.terms.views import EmbeddingAnswer

_BATCHES = ("together", "rotated", "again")
_SIZES = ("batch", "one")


def _embedding(seen: Observation, label: str) -> EmbeddingAnswer:
    return answer(EmbeddingAnswer, seen, label)


def _vectors(seen: Observation, label: str) -> list[Vector]:
    return floats(_embedding(seen, label).embeddings)


def _has_floats(seen: Observation, *labels: str) -> bool:
    """All these steps are answered with one list of numbers per text.

    Where all of them are zero, that is another row's matter, and nothing compares.
    """
    if not answered(EmbeddingAnswer, *labels)(seen):
        return False
    views = [_embedding(seen, label) for label in labels]
    return any(any(e) for view in views for e in view.embeddings) and all(
        len(view.embeddings) == _count(view)
        and all(isinstance(e, list) for e in view.embeddings)
        for view in views
    )


def _has_strings(seen: Observation, label: str) -> bool:
    """The step is answered with strings; arrays in their place are not decoded."""
    if not answered(EmbeddingAnswer, label)(seen):
        return False
    return all(isinstance(e, str) for e in _embedding(seen, label).embeddings)


def _count(view: EmbeddingAnswer) -> int:
    given = view.sent["input"]
    return len(given) if isinstance(given, list) else 1


_PROMPT = Counted(EmbeddingAnswer, "prompt_tokens", _count)


def _wanted(source: str) -> str:
    return f"cosine of at least {COSINE_SAME} with {source}, and its length"


def _alike(
    seen: Observation,
    label: str,
    wanted: Sequence[Vector],
    source: str,
) -> Iterator[Note]:
    """Vectors of a step are the wanted ones, in direction and in length."""
    for i, (vector, expected) in enumerate(
        zip(_vectors(seen, label), wanted, strict=False)
    ):
        likeness = agreement(vector, expected)
        if not likeness >= COSINE_SAME:
            yield Finding(
                expected=_wanted(source),
                actual=likeness,
                pointer=f"/data/{i}/embedding",
                step=label,
            )


def _singles(seen: Observation) -> list[str]:
    return [label for label in seen.steps if label.startswith("single_")]


def _has_singles(seen: Observation) -> bool:
    return len(_singles(seen)) >= 2 and _has_floats(seen, *_BATCHES, *_singles(seen))


@check("EMB-SEM-003", "META-090", on="embeddings.batch", when=_has_singles)
def each_text_is_embedded_as_if_alone(seen: Observation) -> Iterator[Note]:
    """Item i of a batch is the vector of text i sent by itself (soft if near it)."""
    alone = {
        _embedding(seen, label).sent["input"]: _vectors(seen, label)[0]
        for label in _singles(seen)
    }
    blank = ("blank",) if _has_floats(seen, "blank") else ()
    for label in (*_BATCHES, *blank):
        yield from _known(seen, label, alone, "the single calls", near_is_soft=True)


def _has_texts_of_many(seen: Observation) -> bool:
    return answered(EmbeddingAnswer, "some", "huge")(seen) and all(
        len(_embedding(seen, label).embeddings) == _count(_embedding(seen, label))
        for label in ("some", "huge")
    )


@check("EMB-SEM-003", "META-090", on="embeddings.huge", when=_has_texts_of_many)
def each_of_very_many_texts_has_its_vector(seen: Observation) -> Iterator[Note]:
    """Item i of a list of thousands is the vector of text i (soft if near it)."""
    try:
        given = _embedding(seen, "some").sent["input"]
        known = dict(zip(given, _vectors(seen, "some"), strict=True))
        yield from _known(seen, "huge", known, "step some", near_is_soft=True)
    except ValueError:
        return  # that it is no base64 is found elsewhere


def _known(
    seen: Observation,
    label: str,
    known: Mapping[str, Vector],
    source: str,
    *,
    near_is_soft: bool = False,
) -> Iterator[Note]:
    """The vectors of a step are those that the same texts are known to have."""
    given = _embedding(seen, label).sent["input"]
    for i, (text, vector) in enumerate(zip(given, _vectors(seen, label), strict=True)):
        likeness = agreement(vector, known[text]) if text in known else 1.0
        if not likeness >= COSINE_SAME:
            yield Finding(
                expected=_wanted(source),
                actual=likeness,
                pointer=f"/data/{i}/embedding",
                soft=near_is_soft and cosine(vector, known[text]) >= COSINE_NEAR,
                step=label,
            )


@check(
    "META-091",
    on="embeddings.batch",
    when=lambda seen: _has_floats(seen, "together", "rotated"),
)
def permuting_texts_permutes_vectors(seen: Observation) -> Iterator[Note]:
    """The texts in another order have their vectors in that order."""
    given = _embedding(seen, "together").sent["input"]
    known = dict(zip(given, _vectors(seen, "together"), strict=True))
    yield from _known(seen, "rotated", known, "step together")


@check(
    "META-097",
    on="embeddings.batch",
    when=lambda seen: _has_floats(seen, "together", "single_0", "again"),
)
def the_same_text_has_the_same_vector(seen: Observation) -> Iterator[Note]:
    """A text has one vector, twice in a request and in two requests."""
    given = _embedding(seen, "together").sent["input"]
    vectors = _vectors(seen, "together")
    copy = given.index(given[0], 1)
    likeness = agreement(vectors[0], vectors[copy])
    if not likeness >= COSINE_SAME:
        yield Finding(
            expected=_wanted("item 0, the same text"),
            actual=likeness,
            pointer=f"/data/{copy}/embedding",
            step="together",
        )
    alone = {given[0]: _vectors(seen, "single_0")[0]}
    yield from _known(seen, "again", alone, "step single_0")


@check(
    "META-101",
    on="embeddings.batch",
    when=lambda seen: (
        len(_singles(seen)) >= 2 and _PROMPT.has(seen, "again", *_singles(seen))
    ),
)
def prompt_tokens_of_texts_add_up(seen: Observation) -> Iterator[Note]:
    """prompt_tokens of a batch is the sum of those of its texts."""
    known = {
        _embedding(seen, label).sent["input"]: _PROMPT.of(seen, label)
        for label in _singles(seen)
    }
    parts = [known[text] for text in _embedding(seen, "again").sent["input"]]
    if _PROMPT.of(seen, "again") != sum(parts):
        yield Finding(
            expected=f"{sum(parts)}, the sum of {parts}",
            actual=_PROMPT.of(seen, "again"),
            pointer="/usage/prompt_tokens",
            step="again",
        )


@check(
    "META-092",
    on="embeddings.encoding",
    when=lambda seen: _has_floats(seen, "one_omitted", "array"),
)
def a_text_is_an_array_of_one(seen: Observation) -> Iterator[Note]:
    """A text has the same vector as a string and as an array of one."""
    wanted = _vectors(seen, "one_omitted")
    yield from _alike(seen, "array", wanted, "step one_omitted")


@check(
    "EMB-REQ-011",
    "META-094",
    on="embeddings.encoding",
    when=lambda seen: all(
        _has_floats(seen, f"{size}_float")
        and answered(EmbeddingAnswer, f"{size}_omitted")(seen)
        for size in _SIZES
    ),
)
def vectors_are_floats_by_default(seen: Observation) -> Iterator[Note]:
    """Without encoding_format the answer is that of float."""
    for size in _SIZES:
        wanted = _vectors(seen, f"{size}_float")
        given = _embedding(seen, f"{size}_omitted").embeddings
        yield from _same(given, wanted, f"{size}_omitted", f"step {size}_float")


@check(
    "EMB-SEM-004",
    "META-093",
    on="embeddings.encoding",
    when=lambda seen: all(
        _has_floats(seen, f"{size}_omitted") and _has_strings(seen, f"{size}_base64")
        for size in _SIZES
    ),
)
def base64_is_the_float_vector(seen: Observation) -> Iterator[Note]:
    """base64, read as little-endian 32-bit floats, is the float vector (A-124)."""
    for size in _SIZES:
        label = f"{size}_base64"
        given: list[list[float] | str] = []
        for i, embedding in enumerate(_embedding(seen, label).embeddings):
            try:
                given.append(decoded(str(embedding)))
            except ValueError as error:
                yield Finding(
                    expected="base64 of 32-bit floats",
                    actual=str(error),
                    pointer=f"/data/{i}/embedding",
                    step=label,
                )
                break
        else:
            wanted = _vectors(seen, f"{size}_omitted")
            yield from _same(given, wanted, label, f"step {size}_omitted")


def _same(
    given: Sequence[list[float] | str],
    wanted: Sequence[Vector],
    label: str,
    source: str,
) -> Iterator[Note]:
    """Every component agrees as between two calls; EMB-RES-005 counts the items."""
    for i, (vector, expected) in enumerate(zip(given, wanted, strict=False)):
        if isinstance(vector, str):
            actual: object = "a string"
        elif len(vector) != len(expected):
            actual = f"{len(vector)} numbers"
        elif is_close(vector, expected):
            continue
        else:
            actual = f"numbers off by up to {largest_difference(vector, expected)}"
        yield Finding(
            expected=f"the {len(expected)} numbers of {source}, as between two calls",
            actual=actual,
            pointer=f"/data/{i}/embedding",
            step=label,
        )


@check(
    "EMB-SEM-005",
    "META-099",
    on="embeddings.truncation",
    when=_PROMPT.is_narrowed,
)
def a_tighter_limit_never_counts_more_for_texts(seen: Observation) -> Iterator[Note]:
    """prompt_tokens does not grow as truncate_prompt_tokens shrinks."""
    yield from _PROMPT.narrowing(seen)


@check(
    "EMB-SEM-005",
    "META-099",
    on="embeddings.truncation",
    when=_PROMPT.is_bounding,
)
def a_limit_bounds_what_embedding_counts(seen: Observation) -> Iterator[Note]:
    """prompt_tokens is at most the limit times the number of texts."""
    yield from _PROMPT.bounded(seen)


@check(
    "META-099",
    on="embeddings.truncation",
    when=lambda seen: (
        _has_floats(seen, "unlimited", "roomy")
        and _PROMPT.has(seen, "unlimited", "roomy")
    ),
)
def a_roomy_limit_changes_no_vector(seen: Observation) -> Iterator[Note]:
    """A limit above the length of every text gives the answer without a limit."""
    yield from _alike(seen, "roomy", _vectors(seen, "unlimited"), "step unlimited")
    yield from _PROMPT.same(seen, "unlimited", "roomy")


def _whole_texts_differ(seen: Observation) -> bool:
    if not _has_floats(seen, "whole", "cut"):
        return False
    first, *others = _vectors(seen, "whole")
    return all(cosine(first, other) < COSINE_SAME for other in others)


@check("META-100", on="embeddings.shared_part", when=_whole_texts_differ)
def what_is_cut_off_does_not_count(seen: Observation) -> Iterator[Note]:
    """Texts that share all that a limit leaves of them have one vector.

    Which end is cut is not said (A-046): texts that share their beginning or texts
    that share their end must agree.
    """
    first, same_begin, same_end = _vectors(seen, "cut")
    begin, end = cosine(first, same_begin), cosine(first, same_end)
    if begin >= COSINE_SAME:
        yield FollowedReading("keeps the first tokens")
    elif end >= COSINE_SAME:
        yield FollowedReading("keeps the last tokens")
    else:
        yield Finding(
            expected=f"cosine of at least {COSINE_SAME} between texts that share "
            "their beginning, or their end",
            actual=[begin, end],
            pointer="/data/0/embedding",
            step="cut",
        )


@check(
    "EMB-SEM-002",
    "META-098",
    on="embeddings.meaning",
    when=lambda seen: _has_floats(seen, "texts"),
)
def other_words_are_closer_than_other_topics(seen: Observation) -> Iterator[Note]:
    """A text is closer to other words for it than to other topics (real models)."""
    text, restated, other = _vectors(seen, "texts")
    near, far = cosine(text, restated), cosine(text, other)
    if not near > far:
        yield Finding(
            expected=f"above {far}, the cosine with another topic",
            actual=near,
            pointer="/data/1/embedding",
            step="texts",
        )
