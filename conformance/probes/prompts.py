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

_SUBJECTS = (
    "a lighthouse",
    "the sea in winter",
    "the animals of a forest",
    "an old railway",
    "a week in the mountains",
    "the market of a small town",
)

CHAT = Prompts(
    open=tuple(
        request.format(subject)
        for subject in _SUBJECTS
        for request in (
            "Tell me a short story about {}.",
            "Describe {}.",
            "Write a letter to a friend about {}.",
            "Tell me five things about {}.",
        )
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
    open=tuple(
        beginning.format(subject)
        for subject in _SUBJECTS
        for beginning in (
            "This is a short story about {}. Once upon a time",
            "What I like about {} is that",
            "Dear friend, let me tell you about {}. Yesterday",
            "Five things that I know about {} are",
        )
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
