"""Prompts that models go on from at length: chat asks, completions begin."""

from dataclasses import dataclass

from aios_conformance.conformance.probes.texts import SENTENCES
from aios_conformance.conformance.terms.exchange import Api


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of an API.

    After `streamed` the bundled mock soon says a word with letters beyond ASCII, which
    it sends in two tokens. A real model may.
    """

    usual: tuple[str, ...]
    beyond_ascii: tuple[str, ...]
    streamed: tuple[str, ...]


CHAT = Prompts(
    usual=(
        "Tell me a short story about a lighthouse.",
        "Describe the sea in winter.",
        "Tell me about five animals that live in a forest.",
        "Explain why leaves fall in autumn.",
        "What should I pack for a week in the mountains?",
        *(f"Continue this story: {sentence}" for sentence in SENTENCES),
    ),
    beyond_ascii=(
        "Zürich, Málaga, Ørsted, 서울: où, wann, 왜? Tell me a story.",
        "Décris un café à Zürich, s'il te plaît — 東京 aussi 🎉.",
        "Erzähle von der Brücke in Málaga: größer, schöner, älter.",
        "Расскажи сказку про реку, 한국어 아니고.",
    ),
    streamed=(
        "Continue this story: An owl hunted mice behind the abandoned mill.",
        "Continue this story: The recipe calls for three eggs and a pinch of salt.",
        "Continue this story: Seven wooden boats raced along the northern coast.",
        "Continue this story: He packed two sweaters and a torch for the hike.",
    ),
)
COMPLETIONS = Prompts(
    usual=(
        "Once upon a time there was a lighthouse",
        "The sea in winter is",
        "Five animals that live in a forest are",
        "In autumn the leaves",
        "For a week in the mountains you should pack",
        *(f"{sentence} Then" for sentence in SENTENCES),
    ),
    beyond_ascii=(
        "Im Herbst — l'automne, 가을 🍂 — the leaves",
        "Zürich, Málaga und 東京: a naïve song about",
        "Ørsted wohnte über dem Café in der Straße",
        "Жила-была река; 강은 조용히",
    ),
    streamed=(
        "Once upon a time there was a lighthouse",
        "Please restart the printer before loading more paper. Then",
        "Ticket prices doubled within a single season. Then",
        "Copper pipes turn green when exposed to rain. Then",
    ),
)


def prompts_of(api: Api) -> Prompts:
    """The prompts of an API that generates."""
    return CHAT if api == "chat" else COMPLETIONS
