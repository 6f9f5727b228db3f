"""Log probabilities: present, possible, the likeliest, and of the text itself.

What stands on OpenAI's layout is a SHOULD (A-082, A-113): the documents only promise
the k likeliest tokens of each position with their log probabilities.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import EVERYWHERE, usage_of
from aios_conformance.conformance.checks.scored import (
    Position,
    ScoredChoice,
    Unscored,
    WithLogprobs,
    scored_choices,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.tolerances import (
    BETWEEN_CALLS,
    PROBABILITY_MASS,
    WITHIN_ANSWER,
)

# COMP-RES-008 is shown by answers without log probabilities as well: a target that
# has none is still judged by those. So it is named here, and not declared.
_GIVEN: dict[bool, tuple[str, ...]] = {
    True: ("CHAT-SEM-005",),
    False: ("COMP-SEM-003", "COMP-RES-008"),
}


@check(*spec.rows("logprobs-returned"), on=EVERYWHERE, witness=True)
def log_probabilities_are_given(answer: WithLogprobs) -> Iterator[Note]:
    """Each choice has log probabilities where they were asked for (layout: soft)."""
    rows = _GIVEN[answer.is_chat]
    for choice in answer.choices:
        if not choice.text:
            continue
        yield Witness(rows)
        if not choice.is_given or choice.positions == []:
            yield Finding(
                expected="log probabilities of the tokens",
                actual=choice.given,
                pointer=f"{choice.pointer}/logprobs",
                kind="silent",
                ids=rows[:1] if choice.is_given else rows,
            )
        elif choice.positions is None:
            yield Finding(
                expected="log probabilities in OpenAI's layout",
                actual=choice.given,
                pointer=f"{choice.pointer}/logprobs",
                soft=True,
                ids=rows[:1],
            )


@check("META-072", "COMP-RES-008", on=EVERYWHERE, witness=True)
def none_are_given_unasked(answer: Unscored) -> Iterator[Note]:
    """Without a request for them, logprobs is null or absent."""
    is_chat = answer.exchange.api == "chat"
    rows = ("META-072",) if is_chat else ("META-072", "COMP-RES-008")
    yield Witness(rows)
    for choice in scored_choices(answer.exchange):
        if choice.given is not None:
            yield Finding(
                expected="null, or no such member",
                actual=choice.given,
                pointer=f"{choice.pointer}/logprobs",
                ids=rows,
            )


def _each(answer: WithLogprobs) -> Iterator[tuple[str, int, Position]]:
    """Every position with its pointer, and its place among those of its choice."""
    member = "content" if answer.is_chat else "top_logprobs"
    for choice in answer.read:
        for i, position in enumerate(choice.positions or ()):
            yield f"{choice.pointer}/logprobs/{member}/{i}", i, position


_UNEXPECTED = 2
"""Positions that begin an echo: a token before every prompt, and the prompt's first."""


@check("CHAT-SEM-006", "COMP-SEM-003", "META-068", on=EVERYWHERE, witness=True)
def k_alternatives_are_listed(answer: WithLogprobs) -> Iterator[Note]:
    """Each position lists k tokens, or k and the chosen one (A-081).

    One whose token has no likelihood, as nothing was expected there, begins an echo;
    what else an echo lists is an open matter (A-117, soft).
    """
    own = ("CHAT-SEM-006",) if answer.is_chat else ("COMP-SEM-003",)
    wanted = answer.asked
    if wanted is None:
        return
    for pointer, place, position in _each(answer):
        is_unread = answer.is_echoed and position.logprob is None
        if is_unread and place < _UNEXPECTED:
            continue
        found = len(position.alternatives)
        if wanted:
            yield Witness((*own, "META-068"))
        # tokens that share a text are one member of an object
        is_merged = not answer.is_chat and found < wanted
        if is_merged and any(a.is_unnamed for a in position.alternatives):
            continue
        if found not in (wanted, wanted + 1):
            yield Finding(
                expected=f"{wanted} or {wanted + 1} tokens",
                actual=found,
                pointer=pointer,
                kind="silent",
                soft=is_unread,
                ids=(*own, "META-068"),
            )
            return
    found_more = any(len(p.alternatives) > wanted for _, _, p in _each(answer))
    yield FollowedReading("k+1" if found_more else "k", ids=own)


@check("CHAT-SEM-006", "COMP-SEM-003", on=EVERYWHERE, witness=True)
def the_likeliest_are_listed(answer: WithLogprobs) -> Iterator[Note]:
    """No token that is left out is likelier than one that is listed."""
    own = ("CHAT-SEM-006",) if answer.is_chat else ("COMP-SEM-003",)
    yield from _left_out(answer, own)
    for pointer, _, position in _each(answer):
        own_logprob = position.logprob
        # above 0 is META-066's matter
        if not position.alternatives or own_logprob is None or own_logprob > 0:
            continue
        yield Witness(own)
        least = min(other.logprob for other in position.alternatives)
        is_listed = position.listed() is not None
        if not is_listed and own_logprob > least + BETWEEN_CALLS:
            yield Finding(
                expected=f"{position.token!r} ({own_logprob}) among the likeliest",
                actual=[other.token for other in position.alternatives],
                pointer=pointer,
                ids=own,
            )
            return


def _left_out(answer: WithLogprobs, own: tuple[str, ...]) -> Iterator[Finding]:
    """Tokens that one choice lists and another does not, after equal beginnings.

    What follows the same text has the same likelihoods: so a chosen token that took
    the place of a likelier one is found by its neighbours.
    """
    for places in answer.contexts.values():
        known: dict[str | bytes, float] = {}
        for _, position in places:
            if position.logprob is not None:
                known.setdefault(position.name, position.logprob)
            known |= {each.name: each.logprob for each in position.alternatives}
        likeliest = sorted(known.items(), key=lambda pair: -pair[1])
        for pointer, position in places:
            listed = {each.name: each.logprob for each in position.alternatives}
            is_more = answer.asked is not None and len(listed) > answer.asked
            likely = [p for n, p in listed.items() if n != position.name or not is_more]
            least = min(likely, default=math.inf)
            left_out = (pair for pair in likeliest if pair[0] not in listed)
            name, logprob = next(left_out, ("", -math.inf))
            if logprob > least + BETWEEN_CALLS:
                yield Finding(
                    expected=f"{name!r} ({logprob}), as another choice lists it",
                    actual=[each.token for each in position.alternatives],
                    pointer=pointer,
                    ids=own,
                )
                return


TWICE = 2 - PROBABILITY_MASS
"""What two tokens have together of which either is certain."""


def _has_alternatives(answer: WithLogprobs) -> bool:
    return any(position.alternatives for _, _, position in _each(answer))


@check("META-066", on=EVERYWHERE, when=lambda a: any(c.positions for c in a.read))
def none_is_above_0(answer: WithLogprobs) -> Iterator[Note]:
    """No log probability is above 0."""
    for pointer, _, position in _each(answer):
        own = [] if position.logprob is None else [position.logprob]
        highest = max(
            [*own, *(other.logprob for other in position.alternatives)], default=0.0
        )
        if highest > WITHIN_ANSWER:
            yield Finding(expected="at most 0", actual=highest, pointer=pointer)
            return


@check("META-067", on=EVERYWHERE, when=_has_alternatives)
def probabilities_sum_to_at_most_1(answer: WithLogprobs) -> Iterator[Note]:
    """The tokens of a position, the chosen one too, share a probability of 1.

    Where two are each as likely as can be, none of them is told how likely it is.
    """
    own = ("CHAT-SEM-006",) if answer.is_chat else ("COMP-SEM-003",)
    for pointer, _, position in _each(answer):
        likely = {other.name: other.logprob for other in position.alternatives}
        if position.logprob is not None and not position.is_torn:
            # one that is listed is spelt alike, or as likely
            likely |= {} if position.listed() else {position.name: position.logprob}
        # above 0 is META-066's matter
        mass = sum(math.exp(min(0.0, logprob)) for logprob in likely.values())
        is_empty = mass >= TWICE and max(likely.values()) <= WITHIN_ANSWER
        if mass > 1 + PROBABILITY_MASS:
            yield Finding(
                expected="probabilities of at most 1 together",
                actual=round(mass, 4),
                pointer=pointer,
                ids=("META-067", *(own if is_empty else ())),
            )
            return


@check(
    "META-068",
    on="chat.",
    # the members of an object, as in completions, are distinct and have no order
    when=lambda a: a.is_chat and _has_alternatives(a),
)
def alternatives_are_distinct(answer: WithLogprobs) -> Iterator[Note]:
    """Alternatives are distinct tokens; no line promises their order."""
    for pointer, _, position in _each(answer):
        likely = position.alternatives
        names = [other.name for other in likely if other.data or other.token]
        repeated = (
            name
            for name, times in Counter(names).items()
            if times > 1 and name != "\ufffd"
        )
        if (name := next(repeated, None)) is not None:
            yield Finding(expected="distinct tokens", actual=name, pointer=pointer)
            return


@check(
    "META-069",
    on=EVERYWHERE,
    when=lambda a: a.is_greedy and not a.is_echoed and _has_alternatives(a),
)
def the_greedy_token_is_likeliest(answer: WithLogprobs) -> Iterator[Note]:
    """At temperature 0 the chosen token is the likeliest, as likely as it is itself."""
    for pointer, _, position in _each(answer):
        if not position.alternatives or position.logprob is None or position.is_torn:
            continue
        if not position.token and not answer.is_chat:
            continue  # the entry that it has may be another one's, without a text too
        listed = position.listed()
        best = max(other.logprob for other in position.alternatives)
        first = position.alternatives[0]
        if listed is None:
            expected, actual = f"{position.token!r} in the list", first.token
        elif abs(listed.logprob - position.logprob) > BETWEEN_CALLS:
            expected, actual = f"{position.logprob}, its own", str(listed.logprob)
        elif listed.logprob < best - WITHIN_ANSWER:
            expected, actual = f"{position.token!r} as the likeliest", first.token
        else:
            continue
        yield Finding(expected=expected, actual=actual, pointer=pointer)
        return


def _sent_choices(answer: WithLogprobs) -> Sequence[object]:
    """All choices of an answer: those without a text have no log probabilities here."""
    choices = answer.exchange.said.get("choices") if answer.exchange.said else None
    return choices if isinstance(choices, list) else ()


def _tokens_are_counted(answer: WithLogprobs) -> bool:
    return (
        not answer.is_echoed
        and usage_of(answer.exchange, "completion_tokens") is not None
        and len(answer.choices) == len(_sent_choices(answer))
        and all(c.positions is not None and not c.has_other for c in answer.choices)
        and not answer.sent.get("stop")
    )


@check("META-070", "META-037", on=EVERYWHERE, when=_tokens_are_counted, witness=True)
def there_is_a_position_for_each_token(answer: WithLogprobs) -> Iterator[Note]:
    """As many tokens as are counted have a log probability, but for end tokens."""
    rows = ("META-070",) if len(answer.choices) == 1 else ("META-037",)
    yield Witness(rows)
    count = usage_of(answer.exchange, "completion_tokens") or 0
    told = (p for choice in answer.choices for p in choice.positions or ())
    positions = sum(position.logprob is not None for position in told)
    # a choice that was not cut may end with a token that has no text
    silent = sum(choice.finish != "length" for choice in answer.choices)
    if not count - silent <= positions <= count:
        yield Finding(
            expected=f"{count} positions, as completion_tokens",
            actual=positions,
            pointer="/choices/0/logprobs",
            ids=rows,
        )


@check("META-071", on=EVERYWHERE, witness=True)
def the_tokens_are_the_text(answer: WithLogprobs) -> Iterator[Note]:
    """The tokens of the positions join to the text, an end token aside."""
    if answer.sent.get("tools"):
        return  # tokens of calls are no text
    if answer.sent.get("stop"):  # nor are those of stop strings
        yield from _behind_a_stop(answer)
    for choice in answer.read:
        positions = choice.positions or []
        if choice.has_other or not positions or any(p.is_torn for p in positions):
            continue
        joined = _joined(positions)
        if answer.sent.get("stop") and not _is_unstopped(answer, choice, joined):
            continue
        yield Witness(("META-071",))
        text = _whole(choice.text, positions)
        ends = [joined]
        if choice.finish != "length":
            ends.append(_joined(positions[:-1]))
        if answer.is_echoed:  # a token that begins every prompt is no text
            ends += [_joined(positions[1:]), _joined(positions[1:-1])]
        if all(_whole(end, positions) != text for end in ends):
            yield Finding(
                expected=choice.text,
                actual=joined,
                pointer=f"{choice.pointer}/logprobs",
                ids=("META-071",),
            )


def _stops(answer: WithLogprobs) -> list[str]:
    stop = answer.sent["stop"]
    return [stop] if isinstance(stop, str) else list(stop)


def _is_unstopped(answer: WithLogprobs, choice: ScoredChoice, joined: str) -> bool:
    """The limit cut the choice, and none of its stop strings came."""
    came = any(stop in joined or stop in choice.text for stop in _stops(answer))
    return choice.finish == "length" and not came


def _behind_a_stop(answer: WithLogprobs) -> Iterator[Note]:
    """No token comes behind the one that completes a stop string."""
    stops = _stops(answer)
    for choice in answer.read:
        positions = choice.positions or []
        if answer.is_echoed or choice.has_other or any(s in choice.text for s in stops):
            continue
        yield Witness(("META-071",))
        before = _joined(positions[:-1])
        struck = next((one for one in stops if one in before), None)
        if struck is not None:
            yield Finding(
                expected=f"no token behind {struck!r}, which ends the text",
                actual=before[before.index(struck) :] + _joined(positions[-1:]),
                pointer=f"{choice.pointer}/logprobs",
                ids=("META-071",),
            )


def _whole(text: str, positions: list[Position]) -> str:
    """The text without characters that are not whole, where tokens may lack them.

    How a token that is a part of a character is spelt, no line says.
    """
    if any(not position.token for position in positions):
        return text.replace("\ufffd", "")
    return text.rstrip("\ufffd")


def _joined(positions: list[Position]) -> str:
    if all(position.data is not None for position in positions):
        return b"".join(p.data or b"" for p in positions).decode(errors="replace")
    return "".join(position.token for position in positions)
