"""Prompts that are longer than another one: all that is sent is read, and counted.

Servers cut what they read at a thousand tokens, at U+0000 or at a character beyond 16
bits, or leave messages out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.probes.bodies import OPERATION, OWN
from aios_conformance.conformance.probes.texts import letters
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Answers, Served, Step
from aios_conformance.conformance.terms.said import as_turn, message_of

Asked = Callable[..., dict[str, Any]]
"""Makes the body that asks a model to go on from a text."""

LONG = {"chat": 1_085, "completions": 505}
"""Words of a long prompt, of a letter each: more than the thousand tokens at which some
servers cut a chat, more than a thousand characters to be echoed."""

SOME = 84
"""Words of a letter in each message of a conversation: more than all else in it."""

AROUND = 16
"""Tokens of a message beside these words: its markers, and the question."""

FEW = 30
"""Words behind U+0000 and a crab: where a text ends for who counts no characters, and
for who has none beyond 16 bits."""


def _long_words(api: Api, served: Served) -> int:
    """Words of a long prompt that is well within what the model says that it reads."""
    limit = served.facts.limits.get(api)
    return LONG[api] if limit is None else min(LONG[api], limit // 2)


def longer(api: Api, served: Served, asked: Asked, text: str) -> Iterator[Step]:
    """More to read: a long text, some in each message, and some behind U+0000."""
    operation, serves = OPERATION[api], [spec.row(api, "max-tokens-range")]
    one = {"temperature": 0, "max_tokens": 1}
    long = asked(api, served, f"{letters(_long_words(api, served))} {text}", **one)
    if api == "completions" and served.offers("echo"):
        long = long | {"echo": True}
        serves.append(spec.row(api, "echo-type"))
    yield Step("longer", operation, long, serves=tuple(serves), together=True)
    if api == "chat":  # one API shows for both
        hidden = asked(api, served, f"{text}\0 🦀 {letters(FEW)}", **one)
        yield Step("hidden", operation, hidden, "either", together=True)
        brief = asked(api, served, text, **one)

        def spoken(answers: Answers) -> Any:
            """With a reply in it that has all that those of the server have."""
            own = as_turn(message_of(answers["plain"]))
            return brief | {"messages": _conversation(text, own)}

        # a template may refuse several system messages
        yield Step(
            "spoken",
            operation,
            spoken,
            "either",
            like="plain",
            beyond=len(_SPEAKERS) * (SOME + AROUND),
            completion_tokens=1,
            off_schema=OWN,
            together=True,
        )


_SPEAKERS = ("system", "system", "user", "user", "assistant", "user")


def _conversation(question: str, reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A conversation with something in each message, a reply like another among them.

    A user asks the same question three times, and twice in a row.
    """
    asked = f"{letters(SOME)} {question}"
    texts = [asked if role == "user" else letters(SOME) for role in _SPEAKERS]
    each = zip(_SPEAKERS, texts, strict=True)
    return [
        {**(reply if role == "assistant" else {}), "role": role, "content": content}
        for role, content in each
    ]
