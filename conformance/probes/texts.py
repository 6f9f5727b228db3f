"""Texts that probes are drawn from: short, distinct, harmless, and told apart easily.

Pools are tuples in a fixed order, so that the same seed draws the same plan.
Strategies yield plain JSON. Each is rich in its simplest example too (the answer
last, a duplicate, a text beyond ASCII): a defect that only such texts show must not
depend on luck.
"""

from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
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


TOPICS: tuple[Topic, ...] = (
    Topic(
        "What is the capital of France?",
        "The capital of France is Paris.",
        "Paris is the French capital city.",
    ),
    Topic(
        "How do bees make honey?",
        "Bees make honey from the nectar of flowers.",
        "Honey is made by bees out of flower nectar.",
    ),
    Topic(
        "Why is the sky blue?",
        "The sky is blue because air scatters short wavelengths of light.",
        "Blue sky comes from light scattered by the air.",
    ),
    Topic(
        "Who wrote the play Hamlet?",
        "The play Hamlet was written by William Shakespeare.",
        "Shakespeare is the author of the play Hamlet.",
    ),
    Topic(
        "At what temperature does water boil?",
        "Water boils at a temperature of one hundred degrees Celsius.",
        "The boiling temperature of water is 100 degrees Celsius.",
    ),
    Topic(
        "Which planet is the largest in the solar system?",
        "Jupiter is the largest planet in the solar system.",
        "The biggest planet of our solar system is Jupiter.",
    ),
    Topic(
        "How long does a marathon run?",
        "A marathon run is about forty-two kilometres long.",
        "Runners cover some 42 kilometres in a marathon.",
    ),
    Topic(
        "What do pandas eat?",
        "Pandas eat bamboo leaves and shoots nearly all day.",
        "Bamboo is nearly all that pandas eat.",
    ),
    Topic(
        "When did the Berlin Wall fall?",
        "The Berlin Wall fell in November 1989.",
        "In late 1989 the wall in Berlin came down.",
    ),
    Topic(
        "How is cheese aged?",
        "Cheese is aged in cool and humid cellars for months.",
        "Cool, humid cellars are where cheese matures for months.",
    ),
    Topic(
        "What causes ocean tides?",
        "Ocean tides are caused by the gravity of the moon.",
        "The pull of the moon causes the tides of the ocean.",
    ),
    Topic(
        "Which metal is liquid at room temperature?",
        "Mercury is a metal that is liquid at room temperature.",
        "At room temperature the metal mercury is liquid.",
    ),
)

SENTENCES: tuple[str, ...] = (
    "A red kite drifted over the quiet harbour.",
    "My neighbour repairs old violins in her garage.",
    "Fresh basil grows best on a sunny windowsill.",
    "The committee postponed its vote until Thursday.",
    "Seven wooden boats raced along the northern coast.",
    "Please restart the printer before loading more paper.",
    "Granite cools slowly, so its crystals grow large.",
    "He packed two sweaters and a torch for the hike.",
    "Ticket prices doubled within a single season.",
    "An owl hunted mice behind the abandoned mill.",
    "The recipe calls for three eggs and a pinch of salt.",
    "Engineers measured the bridge after every storm.",
    "Our train left the platform eleven minutes late.",
    "She learned chess from a retired sailor.",
    "Copper pipes turn green when exposed to rain.",
    "The museum opens its new dinosaur hall in spring.",
    "Loud music kept the whole street awake.",
    "Farmers planted barley where the orchard once stood.",
    "A broken compass misled the young explorers.",
    "The bakery sells out of rye bread by noon.",
)

# Precomposed and decomposed accents, scripts of one to four UTF-8 bytes, text that
# runs right to left, a subscript digit (000:239), an emoji joined of several points.
BEYOND_ASCII: tuple[str, ...] = (
    "The formula of water is H₂O, of oxygen O₂.",
    "서울은 대한민국의 수도이며 한강이 흐른다.",
    "Füße müssen größer als Brötchen sein, naïve Façade.",
    "東京の春には桜が静かに咲いている。",
    "Cafe\u0301 re\u0301sume\u0301 written with combining accents.",
    "Зимой в лесу тихо падает белый снег.",
    "The family 👩‍👩‍👧‍👦 waved a flag 🇰🇷 and cheered 🎉.",
    "القمر يدور حول الأرض كل شهر.",
    "Η θάλασσα λάμπει κάτω από τον ήλιο.",  # noqa: RUF001  Greek is the point
    "हिमालय में बर्फ़ गिर रही है।",
    "Price: 12 €, “quoted” — with dashes… and 𝒎𝒂𝒕𝒉.",
    "ירח מלא מאיר את העיר.",
)

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
def passages(draw: st.DrawFn, count: int) -> list[str]:
    """Distinct English texts of some thirty words, longer than a narrow limit."""
    parts = draw(sentences(4 * count, 4 * count))
    return [" ".join(parts[4 * i : 4 * i + 4]) for i in range(count)]
