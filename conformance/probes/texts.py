"""Texts that probes are drawn from: short, distinct, harmless, and told apart easily.

Pools are tuples in a fixed order, so that the same seed draws the same plan.
Strategies yield plain JSON. Each is rich in its simplest example too (the answer
last, a duplicate, a text beyond ASCII): a defect that only such texts show must not
depend on luck.
"""

import json
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.terms.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Topic:
    """A question, its answer, and the answer in other words."""

    question: str
    answer: str
    restated: str


_POOLS: dict[str, list[Any]] = json.loads(
    Path(__file__).with_name("texts.json").read_text("utf-8")
)
TOPICS = tuple(Topic(**each) for each in _POOLS["topics"])
SENTENCES: tuple[str, ...] = tuple(_POOLS["sentences"])
BEYOND_ASCII: tuple[str, ...] = tuple(_POOLS["beyond_ascii"])
"""Precomposed and decomposed accents, scripts of one to four UTF-8 bytes, text that
runs right to left, a subscript digit (000:239), an emoji joined of several points."""

_PROSE = (
    "the old man and the sea had a long day with wind and sun so he sat down by "
    "his boat and ate bread then he saw a big fish jump out of the blue water near "
)


def long_text(words: int) -> str:
    """English prose of so many common words: at least one token each."""
    once = _PROSE.split()
    repeats = -(-words // len(once))
    return " ".join((once * repeats)[:words])


def letters(words: int) -> str:
    """So many words of one letter.

    They are one token each to all but tokenizers that read bytes.
    """
    return " ".join(islice(cycle(ascii_lowercase), words))


READ = 8_192
"""Tokens that the rerankers which the documents name read."""


def overlong(limit: int | None) -> str:
    """A text of more tokens than a model reads, as few more as will do.

    `limit` is what the target says that the model reads, None where it says nothing.
    """
    return letters(min(limit or READ, READ) + 8)


def roomy_limit(answer: Exchange | None, *given: str | list[str]) -> int:
    """A limit in tokens that exceeds each of the given texts, but not by far.

    The tokens that the same request took without a limit are more than any one input
    of the model; should the target not tell, or lie, two a word will do.
    """
    words = sum(len(text.split()) for text in chain.from_iterable(map(_listed, given)))
    usage: Any = answer.response.json if answer and answer.response else None
    match usage:
        case {"usage": {"total_tokens": int(total)}}:
            return max(total, 2 * words)
    return 2 * words


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def topics() -> st.SearchStrategy[dict[str, str]]:
    """A question with its answer and the answer in other words."""
    return st.sampled_from(TOPICS).map(asdict)


def sentences(least: int, most: int) -> st.SearchStrategy[list[str]]:
    """Distinct English sentences, none on a topic of TOPICS."""
    return st.lists(
        st.sampled_from(SENTENCES), min_size=least, max_size=most, unique=True
    )


def beyond_ascii() -> st.SearchStrategy[str]:
    """One text with characters beyond ASCII."""
    return st.sampled_from(BEYOND_ASCII)


@st.composite
def batches(draw: st.DrawFn, least: int, most: int) -> list[str]:
    """Distinct texts; the one in the middle has characters beyond ASCII."""
    texts = draw(sentences(least - 1, most - 1))
    texts.insert(len(texts) // 2, draw(beyond_ascii()))
    return texts


@st.composite
def rankings(draw: st.DrawFn, least: int, most: int) -> dict[str, Any]:
    """A query with documents: the one that answers it stands last.

    The rest is off topic; one text goes beyond ASCII and one occurs twice, so
    `least` is 4 or more.
    """
    topic = draw(topics())
    rest = draw(sentences(least - 3, most - 3))
    documents = [rest[0], draw(beyond_ascii()), *rest[1:], rest[0], topic["answer"]]
    return {"query": topic["question"], "documents": documents}


def is_brief(ranking: dict[str, Any]) -> bool:
    """The query is short: it is read with each of many documents, which are, too."""
    return len(ranking["query"]) <= 20 and are_short(ranking["documents"])


def are_brief(given: list[list[str]]) -> bool:
    """Pairs of short texts, which are scored in several ways."""
    return all(map(are_short, given))


def are_short(given: list[str]) -> bool:
    """Texts that may be sent seven times."""
    return all(len(text.encode()) <= 60 for text in given)


@st.composite
def pairs(draw: st.DrawFn, least: int, most: int) -> list[list[str]]:
    """Distinct pairs, unlike their neighbours in likeness; `least` is 3 or more.

    Unrelated and related ones take turns, so that swapping any two neighbours, or
    sorting by score, shows. The third pair goes beyond ASCII.
    """
    chosen = draw(
        st.lists(
            st.sampled_from(TOPICS), min_size=least, max_size=most, unique=True
        ).map(lambda found: [[topic.question, topic.answer] for topic in found])
    )
    chosen[2][1] = draw(beyond_ascii())
    unrelated = draw(sentences(most, most))
    return [
        pair if i % 2 or i == 2 else [pair[0], unrelated[i]]
        for i, pair in enumerate(chosen)
    ]


@st.composite
def passages(draw: st.DrawFn, count: int, each: int = 4) -> list[str]:
    """Distinct texts, longer than a narrow limit.

    They have four sentences, which are some thirty words, or as many as `each` says.
    The last text has a letter beyond ASCII: some limits are of bytes or characters.
    """
    parts = draw(sentences(each * count, each * count))
    *found, last = [" ".join(parts[each * i :][:each]) for i in range(count)]
    return [*found, f"É {last}"]
