"""What each embeddings answer promises by itself."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from aios_conformance.conformance.checks.observed import are_promised
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.tolerances import COSINE_SAME
from aios_conformance.conformance.terms.vectors import cosine, decoded, is_finite
from aios_conformance.conformance.terms.views import EmbeddingAnswer, Record, is_whole

BGE_M3_LENGTH = 1024  # 000:767


def _is_valid(answer: EmbeddingAnswer) -> bool:
    """The request is one that the documents allow."""
    given = answer.sent.get("input")
    return are_promised(answer, given if isinstance(given, list) else [given])


def _is_blank(answer: EmbeddingAnswer, place: int) -> bool:
    """The text has nothing to be embedded: what its vector is, is not said (A-131)."""
    given = answer.sent["input"]
    texts = given if isinstance(given, list) else [given]
    return place < len(texts) and not texts[place].strip()


def _has_vectors(answer: EmbeddingAnswer) -> bool:
    return _is_valid(answer) and len(answer.embeddings) >= 1


def _format(answer: EmbeddingAnswer) -> object:
    return answer.sent.get("encoding_format")


def _lists(answer: EmbeddingAnswer) -> list[list[float]]:
    return [e for e in answer.embeddings if isinstance(e, list)]


def _wrong_count(answer: EmbeddingAnswer, wanted: int) -> Iterator[Note]:
    if len(answer.embeddings) != wanted:
        yield Finding(
            expected=f"{wanted} items", actual=len(answer.embeddings), pointer="/data"
        )


@check(
    "EMB-RES-005",
    "EMB-REQ-007",
    when=lambda a: _is_valid(a) and isinstance(a.sent["input"], str),
)
def a_string_gives_one_vector(answer: EmbeddingAnswer) -> Iterator[Note]:
    """A string is answered with one item."""
    yield from _wrong_count(answer, 1)


@check(
    "EMB-RES-005",
    "EMB-REQ-006",
    "META-090",
    when=lambda a: _is_valid(a) and isinstance(a.sent["input"], list),
)
def an_array_gives_a_vector_per_text(answer: EmbeddingAnswer) -> Iterator[Note]:
    """An array is answered with one item for each text."""
    yield from _wrong_count(answer, len(answer.sent["input"]))


@check("EMB-RES-006", "EMB-SEM-003", "META-090", when=_has_vectors)
def vectors_are_numbered(answer: EmbeddingAnswer) -> Iterator[Note]:
    """data[i].index is i."""
    for i, item in enumerate(answer.body["data"]):
        index = item.get("index")
        if is_whole(index) and index != i:  # anything else is the schema's matter
            yield Finding(expected=str(i), actual=index, pointer=f"/data/{i}/index")


@check(
    "EMB-RES-008",
    when=lambda a: _has_vectors(a) and _format(a) in (None, "float"),
)
def vectors_are_numbers(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Without base64 each embedding is an array of numbers."""
    yield from _strings(answer)


@check("EMB-REQ-012", when=lambda a: _has_vectors(a) and _format(a) == "float")
def float_gives_numbers(answer: EmbeddingAnswer) -> Iterator[Note]:
    """With encoding_format float each embedding is an array of numbers."""
    yield from _strings(answer)


def _strings(answer: EmbeddingAnswer) -> Iterator[Note]:
    for i, embedding in enumerate(answer.embeddings):
        if isinstance(embedding, str):
            yield Finding(
                expected="an array of numbers",
                actual=f"a string of {len(embedding)} characters",
                pointer=f"/data/{i}/embedding",
            )


@check("EMB-RES-009", when=lambda a: _has_vectors(a) and _format(a) == "base64")
def base64_gives_strings(answer: EmbeddingAnswer) -> Iterator[Note]:
    """With encoding_format base64 each embedding is base64 of 32-bit floats (A-124)."""
    for i, embedding in enumerate(answer.embeddings):
        at = f"/data/{i}/embedding"
        if not isinstance(embedding, str):
            actual = f"an array of {len(embedding)} numbers"
            yield Finding(
                expected="a base64 string", actual=actual, pointer=at, kind="silent"
            )
            continue
        try:
            vector = decoded(embedding)
        except ValueError as error:
            yield Finding(
                expected="base64 of 32-bit floats", actual=str(error), pointer=at
            )
            continue
        if not vector:
            yield Finding(expected="some numbers", actual="none", pointer=at)


@check("META-096", when=_has_vectors)
def vectors_are_finite_and_not_zero(answer: EmbeddingAnswer) -> Iterator[Note]:
    """All components are finite, and some are not zero."""
    for i, embedding in enumerate(answer.embeddings):
        if not (_is_blank(answer, i) or _is_useful(embedding)):
            yield Finding(
                expected="finite components, not all zero",
                actual=f"{embedding[:4]}…",
                pointer=f"/data/{i}/embedding",
            )


@check(
    "EMB-SEM-001",
    when=lambda a: _has_vectors(a) and len(_lists(a)) >= 1,
)
def vectors_have_many_dimensions(answer: EmbeddingAnswer) -> Iterator[Note]:
    """A vector has more than one component, and they are not all zero."""
    for i, embedding in enumerate(answer.embeddings):
        if isinstance(embedding, list) and not (
            len(embedding) > 1 and (any(embedding) or _is_blank(answer, i))
        ):
            yield Finding(
                expected="more than one component, not all zero",
                actual=f"{len(embedding)} components: {embedding[:4]}",
                pointer=f"/data/{i}/embedding",
            )


def _is_useful(embedding: list[float] | str) -> bool:
    """Finite, and not all zero; of base64, whose numbers may be of another width, some.

    What does not decode is EMB-RES-009's matter.
    """
    if isinstance(embedding, list):
        return is_finite(embedding) and math.hypot(*embedding) > 0
    try:
        return any(number and math.isfinite(number) for number in decoded(embedding))
    except ValueError:
        return True


def _lengths(record: Record) -> dict[str, list[tuple[str, int, int]]]:
    """Per model: (exchange, item, length) of each vector that is a list of numbers."""
    lengths: dict[str, list[tuple[str, int, int]]] = {}
    for exchange in record.answers("embeddings"):
        view = EmbeddingAnswer.of(exchange, record.facts)
        if view is not None and _has_vectors(view) and "dimensions" not in view.sent:
            model = str(view.sent.get("model"))
            for i, embedding in enumerate(view.embeddings):
                if isinstance(embedding, list):
                    entry = (exchange.id, i, len(embedding))
                    lengths.setdefault(model, []).append(entry)
    return lengths


@check(
    "META-095",
    "EMB-RES-010",
    when=lambda record: any(len(found) >= 2 for found in _lengths(record).values()),
)
def vectors_have_one_length(record: Record) -> Iterator[Note]:
    """All vectors of a model have one length; those of bge-m3 have 1024 (A-126)."""
    for model, found in _lengths(record).items():
        every = [length for _, _, length in found]
        usual = max(set(every), key=Counter(every).__getitem__)
        is_bge_m3 = model.lower().replace("_", "-").endswith("bge-m3")
        wanted = BGE_M3_LENGTH if is_bge_m3 else usual
        for exchange, i, length in found:
            if length != wanted:
                yield Finding(
                    expected=f"{wanted} components, as all of {model}",
                    actual=length,
                    pointer=f"/data/{i}/embedding",
                    exchange=exchange,
                )


def _counts_tokens(answer: EmbeddingAnswer) -> bool:
    count: Json = answer.usage.get("prompt_tokens")
    return _has_vectors(answer) and is_whole(count) and count >= 0


@check(
    "EMB-RES-012",
    when=_counts_tokens,
)
def embedding_reads_something(answer: EmbeddingAnswer) -> Iterator[Note]:
    """usage.prompt_tokens is above 0 where there was something to read."""
    count = answer.usage["prompt_tokens"]
    if any(answer.sent["input"]) and not count > 0:
        yield Finding(expected="above 0", actual=count, pointer="/usage/prompt_tokens")


@check(
    "EMB-RES-015",
    "META-103",
    when=lambda a: _has_vectors(a) and is_whole(a.usage.get("completion_tokens")),
)
def embedding_generates_nothing(answer: EmbeddingAnswer) -> Iterator[Note]:
    """usage.completion_tokens is 0."""
    count = answer.usage["completion_tokens"]
    if count != 0:
        yield Finding(expected="0", actual=count, pointer="/usage/completion_tokens")


def _outcome(seen: Observation, label: str) -> Iterator[Note]:
    exchange = seen[label]
    if exchange.is_success:
        yield FollowedReading("accepted")
    elif 400 <= exchange.status < 500:
        yield FollowedReading("refused")


@check("EMB-REQ-002", on="embeddings.singular")
def the_singular_path_may_exist(seen: Observation) -> Iterator[Note]:
    """Whether the path of the printed curl lines is served as well (A-119)."""
    exchange = seen["singular"]
    if exchange.response is not None:
        yield FollowedReading(
            "an alias" if exchange.is_success else f"{exchange.status}"
        )


@check("EMB-REQ-009", on="embeddings.token_ids")
def token_ids_may_be_accepted(seen: Observation) -> Iterator[Note]:
    """What token ids as input are answered with (A-120)."""
    yield from _outcome(seen, "variant")


@check("EMB-REQ-010", on="embeddings.empty")
def empty_input_may_be_accepted(seen: Observation) -> Iterator[Note]:
    """What an empty string or array is answered with (A-131)."""
    yield from _outcome(seen, "variant")


@check("EMB-REQ-017", on="embeddings.unlisted")
def dimensions_and_user_may_be_accepted(seen: Observation) -> Iterator[Note]:
    """What members of other dialects are answered with (A-128)."""
    yield from _outcome(seen, "variant")


_READ = 32
"""Words that every model reads of a text, be it from its beginning or to its end."""


def _may_be_alike(one: str, other: str, *, is_cut: bool) -> bool:
    """They begin or end alike for as long as a limit may leave no more of them."""
    words, others = one.split(), other.split()
    size = 1 if is_cut else _READ
    return words[:size] == others[:size] or words[-size:] == others[-size:]


_OF_PROSE = ("encoding", "truncation", "shared_part", "meaning")
"""Probes of texts in several words."""


@check(
    "EMB-SEM-002",
    on=tuple(f"embeddings.{name}" for name in _OF_PROSE),
    when=lambda a: _is_valid(a) and len(_lists(a)) == len(a.sent["input"]) > 1,
)
def each_text_has_a_vector_of_its_own(answer: EmbeddingAnswer) -> Iterator[Note]:
    """Texts that neither begin nor end alike have different vectors, cut or whole.

    Of those that no limit cuts more must be alike than a word.
    """
    is_cut = answer.sent.get("truncate_prompt_tokens") is not None
    texts = enumerate(zip(answer.sent["input"], _lists(answer), strict=True))
    for (_, (one, vector)), (i, (other, its)) in combinations(texts, 2):
        is_excused = _may_be_alike(one, other, is_cut=is_cut)
        if not is_excused and cosine(vector, its) >= COSINE_SAME:
            yield Finding(
                expected=f"another vector than that of {one!r}",
                actual=f"a cosine of {cosine(vector, its)}",
                pointer=f"/data/{i}/embedding",
            )
            return
