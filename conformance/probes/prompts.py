"""Prompts that models go on from at length: chat asks, completions begin."""

from dataclasses import dataclass

from aios_conformance.conformance.probes.texts import SENTENCES
from aios_conformance.conformance.terms.exchange import Api


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of an API.

    `open` ones are answered at length, by small models too. `lists` ask for hundreds of
    lines with letters beyond ASCII: the answer is long, and some line ends before any
    usual limit.
    """

    open: tuple[str, ...]
    begun: tuple[str, ...]
    beyond_ascii: tuple[str, ...]
    lists: tuple[str, ...]

    @property
    def usual(self) -> tuple[str, ...]:
        """The open ones and those that are begun."""
        return self.open + self.begun


_LISTS = (
    ("towns of Europe", "Zürich", "Málaga", "Kraków"),
    ("rivers", "Würm", "Ñuble", "Łyna"),
    ("surnames", "Müller", "Gómez", "Dvořák"),
    ("songs", "Für Elise", "Águas de março", "Älskade"),
)

CHAT = Prompts(
    open=(
        "Tell me a short story about a lighthouse.",
        "Describe the sea in winter.",
        "Tell me about five animals that live in a forest.",
        "Explain why leaves fall in autumn.",
        "What should I pack for a week in the mountains?",
    ),
    begun=tuple(f"Continue: {sentence}" for sentence in SENTENCES),
    beyond_ascii=(
        "Zürich, Málaga, Ørsted, 서울: où, wann, 왜? Tell me a story.",
        "Décris un café à Zürich, s'il te plaît — 東京 aussi 🎉.",
        "Erzähle von der Brücke in Málaga: größer, schöner, älter.",
        "Расскажи сказку про реку, 한국어 아니고.",
    ),
    lists=tuple(
        f"List three hundred {things}, one on each line, as spelt there: "
        f"{', '.join(known)} …"
        for things, *known in _LISTS
    ),
)
COMPLETIONS = Prompts(
    open=(
        "Once upon a time there was a lighthouse",
        "The sea in winter is",
        "Five animals that live in a forest are",
        "In autumn the leaves",
        "For a week in the mountains you should pack",
    ),
    begun=tuple(f"{sentence} Then" for sentence in SENTENCES),
    beyond_ascii=(
        "Im Herbst — l'automne, 가을 🍂 — the leaves",
        "Zürich, Málaga und 東京: a naïve song about",
        "Ørsted wohnte über dem Café in der Straße",
        "Жила-была река; 강은 조용히",
    ),
    lists=tuple(
        "\n".join(
            (f"Three hundred {things}, one on each line, as spelt there:", *known)
        )
        for things, *known in _LISTS
    ),
)


def prompts_of(api: Api) -> Prompts:
    """The prompts of an API that generates."""
    return CHAT if api == "chat" else COMPLETIONS
