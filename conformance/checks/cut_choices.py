"""What the limit cut says so, as its tokens show, and has a text: each choice."""

from collections.abc import Iterator

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import (
    EVERYWHERE,
    Generated,
    on,
    rows_of,
    texts_of,
)
from aios_conformance.conformance.checks.scored import WithLogprobs
from aios_conformance.conformance.terms.check import Finding, Note, Witness, check
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.said import reasoning_in

_TOPICS = ("cut-finish-reason", "cut-at-exact-limit")
_LIMITS = ("max_tokens", "max_completion_tokens")


@check(*spec.rows(*_TOPICS), on=EVERYWHERE, evidence=0, witness=True)
def a_choice_of_all_tokens_was_cut(answer: WithLogprobs) -> Iterator[Note]:
    """A text of as many tokens as it may have did not end of itself.

    Its end would be a token more. Where both limits are given, either may count.
    """
    given = [limit for name in _LIMITS if (limit := answer.sent.get(name)) is not None]
    if len(given) != 1 or any(answer.sent.get(n) for n in ("echo", "stop", "tools")):
        return
    rows = spec.rows(*_TOPICS, api=answer.exchange.api)
    for choice in answer.read:
        tokens = [position.token for position in choice.positions or ()]
        is_plain = all(tokens) and "".join(tokens) == choice.text
        if choice.has_other or not is_plain or len(tokens) != given[0]:
            continue
        yield Witness(rows)
        if choice.finish == "stop":
            yield Finding(
                expected=f"length, after {given[0]} tokens of text",
                actual="stop",
                pointer=f"{choice.pointer}/finish_reason",
                ids=rows,
            )
            return


@check(*spec.rows("n-obeyed"), on=on("choices"), evidence=0, witness=True)
def each_choice_has_a_text(seen: Observation) -> Iterator[Note]:
    """Each of several choices that the limit cut has a text, where one alone has."""
    rows = rows_of(seen, "n-obeyed")
    many = Generated.of(seen["several"], seen.facts)
    if many is None or len(many.choices) < 2 or not any(texts_of(seen, "one") or ()):
        return
    yield Witness(rows)
    for choice in many.choices:
        said = [many.text(choice), reasoning_in(choice)]
        calls = many.is_chat and choice["message"].get("tool_calls")
        if choice.get("finish_reason") == "length" and not any(said) and not calls:
            yield Finding(
                expected="a text, as one choice alone has",
                actual="",
                pointer=f"/choices/{choice.get('index')}",
                step="several",
                kind="silent",
                ids=rows,
            )
