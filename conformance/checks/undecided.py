"""What the target does where the documents are silent: read, never judged."""

from collections.abc import Iterable, Iterator

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import (
    EVERYWHERE,
    Generated,
    usage_of,
)
from aios_conformance.conformance.probes import chat, completions
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Api, Observation
from aios_conformance.conformance.terms.said import choice_of

_RANGES = {
    name: f"{name.replace('_', '-')}-range"
    for name in ("max_completion_tokens", "max_tokens")
}
_ON = ("chat.undecided.", "completions.undecided.")
_CASES = tuple(
    (probe.name, case["row"], case["what"])
    for probe in (*chat.PROBES, *completions.PROBES)
    if probe.name.startswith(_ON)
    for case in probe.rows
    if case["what"]
)
"""Probe, row and words of each case."""


def _read(row: str) -> Check:
    """The check that reads what becomes of the cases of one row."""
    cases = {what: probe for probe, of, what in _CASES if of == row}

    def judge(seen: Observation) -> Iterator[Note]:
        exchange, what = seen["variant"], seen.params["what"]
        if seen.params["row"] != row or exchange.response is None or what not in cases:
            return
        yield Witness()
        if exchange.is_success:
            yield FollowedReading(f"{what} is accepted")
        elif 400 <= exchange.status < 500:
            yield FollowedReading(f"{what} is refused")

    topic = spec.requirement(row).topic
    judge.__name__ = f"undecided_{topic}".replace("-", "_")
    judge.__doc__ = f"Whether {' or '.join(cases)} is accepted: {topic} leaves it open."
    return check(row, on=tuple(dict.fromkeys(cases.values())), witness=True)(judge)


def _limits(seen: Observation) -> tuple[object, object]:
    sent = seen["variant"].request.json
    return sent.get("max_tokens"), sent.get("max_completion_tokens")


@check("CHAT-SEM-009", on="chat.undecided.messages", witness=True)
def one_of_two_limits_wins(seen: Observation) -> Iterator[Note]:
    """Which of two different limits holds (A-084)."""
    smaller, larger = _limits(seen)
    if not isinstance(smaller, int) or not isinstance(larger, int):
        return
    yield Witness(("CHAT-SEM-009",))
    if seen["variant"].is_success:
        count = usage_of(seen["variant"], "completion_tokens")
        is_smaller = count is not None and count <= smaller
        yield FollowedReading("smaller wins" if is_smaller else "larger wins")
    elif 400 <= seen["variant"].status < 500:
        yield FollowedReading("refused")


def _nothing_under_0(rows: Iterable[str], api: Api, name: str) -> Check:
    """The check of a limit of 0 under one name, in one API."""

    def judge(answer: Generated) -> Iterator[Note]:
        count = answer.completion_tokens
        is_ours = answer.exchange.api == api and answer.sent.get(name) == 0
        if not is_ours or count is None:
            return
        yield Witness()
        if count == 0:
            yield FollowedReading("0 gives no tokens")
        else:
            yield Finding(
                expected="no tokens",
                actual=count,
                pointer="/usage/completion_tokens",
                kind="silent",
                soft=True,
            )

    judge.__name__ = f"{api}_{name}_of_0_gives_nothing"
    judge.__doc__ = f"{name} 0 of {api} gives no tokens (A-083)."
    return check(*rows, on=EVERYWHERE, witness=True)(judge)


_GENERATING: tuple[Api, ...] = ("chat", "completions")
_LIMITS_OF_0 = tuple(
    _nothing_under_0(rows, api, name)
    for api in _GENERATING
    for name, topic in _RANGES.items()
    if (rows := spec.rows(topic, api=api))  # a dialect may be made after another
)


@check(
    "CHAT-REQ-021",
    on=("chat.huge_limit", "chat.huge_limit.streamed"),
    when=lambda s: s["huge"].status > 0 and not s["huge"].is_unreadable,
)
def a_huge_limit_is_refused_or_clamped(seen: Observation) -> Iterator[Note]:
    """A limit beyond the model's maximum is refused or clamped, never a crash."""
    exchange = seen["huge"]
    if exchange.status >= 500:
        yield Finding(
            expected="200, 400 or 422",
            actual=exchange.status,
            step="huge",
            kind="crash",
        )
    elif (choice_of(exchange) or {}).get("finish_reason") == "error":
        yield Finding(
            expected="a refusal, or an answer that did not fail",
            actual="error",
            pointer="/choices/0/finish_reason",
            step="huge",
        )
    elif exchange.is_success:
        yield FollowedReading("too large is clamped")
    else:
        yield FollowedReading("too large is refused")


@check(
    "META-038",
    on="chat.huge_limit",
    when=lambda s: (
        s["huge"].status > 0 and usage_of(s["valid"], "prompt_tokens") is not None
    ),
)
def a_huge_limit_takes_nothing_from_the_prompt(seen: Observation) -> Iterator[Note]:
    """A limit that leaves no room cuts the answer, if any is given, not the prompt."""
    whole, read = (usage_of(seen[n], "prompt_tokens") for n in ("valid", "huge"))
    if read not in (None, whole):
        yield Finding(str(whole), read, "/usage/prompt_tokens", step="huge")


CHECKS: tuple[Check, ...] = (
    *map(_read, dict.fromkeys(row for _, row, _ in _CASES)),
    one_of_two_limits_wins,
    *_LIMITS_OF_0,
    a_huge_limit_is_refused_or_clamped,
    a_huge_limit_takes_nothing_from_the_prompt,
)
