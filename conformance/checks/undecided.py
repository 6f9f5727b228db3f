"""What the target does where the documents are silent: read, never judged."""

from collections.abc import Iterator

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
from aios_conformance.conformance.terms.exchange import Observation

_RANGE = "max-completion-tokens-range"
_ON = ("chat.undecided.", "completions.undecided.")
_ROWS = tuple(
    dict.fromkeys(
        case["row"]
        for probe in (*chat.PROBES, *completions.PROBES)
        if probe.name.startswith(_ON)
        for case in probe.rows
        if case["what"]
    )
)


@check(*_ROWS, on=_ON, witness=True)
def the_undecided_is_accepted_or_refused(seen: Observation) -> Iterator[Note]:
    """Whether something that the documents leave open is accepted."""
    exchange, row = seen["variant"], (seen.params["row"],)
    if exchange.response is None or not seen.params["what"]:
        return
    yield Witness(row)
    if exchange.is_success:
        yield FollowedReading(f"{seen.params['what']} is accepted", ids=row)
    elif 400 <= exchange.status < 500:
        yield FollowedReading(f"{seen.params['what']} is refused", ids=row)


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


@check(*spec.rows(_RANGE), on=EVERYWHERE, witness=True)
def a_limit_of_0_gives_nothing(answer: Generated) -> Iterator[Note]:
    """A limit of 0 gives no tokens (A-083)."""
    rows, count = answer.own(_RANGE), answer.completion_tokens
    if answer.sent.get("max_completion_tokens") != 0 or count is None:
        return
    yield Witness(rows)
    if count == 0:
        yield FollowedReading("0 gives no tokens", ids=rows)
    else:
        yield Finding(
            expected="no tokens",
            actual=count,
            pointer="/usage/completion_tokens",
            kind="silent",
            soft=True,
            ids=rows,
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
    elif exchange.is_success:
        yield FollowedReading("too large is clamped")
    else:
        yield FollowedReading("too large is refused")


CHECKS: tuple[Check, ...] = (
    the_undecided_is_accepted_or_refused,
    one_of_two_limits_wins,
    a_limit_of_0_gives_nothing,
    a_huge_limit_is_refused_or_clamped,
)
