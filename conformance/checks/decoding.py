"""Relations between greedy generations: limits, stops, defaults.

The checks serve chat and completions alike; which rows a note concerns depends on
the API of the scenario, so their notes name them. Texts are compared only where the
same request, sent twice, had the same text: otherwise META-051 alone is broken.
"""

from collections.abc import Iterator

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import (
    ends_otherwise,
    equal,
    is_repeatable,
    on,
    rows_of,
    texts_of,
    usage_of,
)
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation


def _is_greedy(seen: Observation) -> bool:
    return is_repeatable(seen, "plain", "again")


@check("META-051", on=on("greedy"), witness=True)
def greedy_text_repeats(seen: Observation) -> Iterator[Note]:
    """The same request at temperature 0 gives the same text."""
    yield from equal(seen, ("META-051",), "plain", ["again"])


@check("META-044", on=on("greedy"), when=_is_greedy, witness=True)
def a_lower_limit_gives_a_prefix(seen: Observation) -> Iterator[Note]:
    """Greedy text under a lower limit is the beginning of that under a higher one."""
    texts = texts_of(seen, "plain", "fewer")
    if texts is None:
        return
    yield Witness(("META-044",))
    whole, cut = texts
    # a limit may cut a character in two
    if not whole.startswith(cut.rstrip("\ufffd")):
        yield Finding(
            expected=f"a beginning of {whole!r}",
            actual=cut,
            step="fewer",
            ids=("META-044",),
            drift=is_drift(whole, cut),
        )


@check(
    *spec.rows("cut-finish-reason", "cut-at-exact-limit"), on=on("greedy"), witness=True
)
def a_cut_is_reported_as_length(seen: Observation) -> Iterator[Note]:
    """An answer that the limit cut off says `length`, with the limit's tokens."""
    rows = rows_of(seen, "cut-finish-reason", "cut-at-exact-limit")
    for label in ("fewer", "new_limit"):
        texts = texts_of(seen, "plain", label)
        # a text that goes on under a higher limit was cut
        if texts is None or texts[0] == texts[1]:
            continue
        if not texts[0].startswith(texts[1].rstrip("\ufffd")):
            continue
        yield Witness(rows)
        finish = ends_otherwise(seen[label], "length")
        if finish is not None:
            yield Finding(
                expected="length",
                actual=finish,
                pointer="/choices/0/finish_reason",
                step=label,
                ids=rows,
            )
        count = usage_of(seen[label], "completion_tokens")
        limit = seen.params["fewer"]
        if count is not None and count != limit:
            yield Finding(
                expected=f"{limit} tokens, the limit",
                actual=count,
                pointer="/usage/completion_tokens",
                step=label,
                ids=("META-041",),
            )


@check("META-043", "CHAT-SEM-008", on=on("greedy"), witness=True)
def both_limits_mean_the_same(seen: Observation) -> Iterator[Note]:
    """max_tokens k and max_completion_tokens k cut alike (text: soft)."""
    if not seen.accepted("fewer", "new_limit"):
        return
    # only chat says in a row of its own that the old limit is as good as the new one
    own = ("CHAT-SEM-008",) if seen.probe == "chat.greedy" else ()
    rows = (*own, "META-043")
    yield Witness(rows)
    limit = seen.params["fewer"]
    counts = [usage_of(seen[s], "completion_tokens") for s in ("fewer", "new_limit")]
    for label, count in zip(("fewer", "new_limit"), counts, strict=True):
        if count is not None and count > limit:
            yield Finding(
                expected=f"at most {limit} tokens",
                actual=count,
                pointer="/usage/completion_tokens",
                step=label,
                kind="silent",
                ids=("META-043",),
            )
            return
    if _is_greedy(seen):
        yield from equal(seen, rows, "fewer", ["new_limit"], soft=True)


@check("META-036", on=on("greedy"), when=_is_greedy, witness=True)
def one_choice_is_the_default(seen: Observation) -> Iterator[Note]:
    """N omitted and n 1 give the same text (soft)."""
    yield from equal(seen, ("META-036",), "plain", ["one_choice"], soft=True)


@check(
    *spec.rows("stream-type", "omitted-stream-like-false"),
    on=on("greedy"),
    witness=True,
)
def not_streaming_is_the_default(seen: Observation) -> Iterator[Note]:
    """Without `stream`, and with false, the answer is one JSON body."""
    rows = rows_of(seen, "stream-type", "omitted-stream-like-false")
    for label in ("plain", "not_streamed"):
        if label not in seen.steps or not seen[label].is_success:
            continue
        yield Witness(rows)
        response = seen[label].response
        if response is None or not isinstance(response.json, dict):
            yield Finding(
                expected="one JSON body",
                actual=response.body[:120].decode(errors="replace") if response else "",
                step=label,
                ids=rows,
            )


@check("META-057", on=on("greedy"), when=_is_greedy, witness=True)
def an_empty_bias_changes_nothing(seen: Observation) -> Iterator[Note]:
    """logit_bias null and {} are as good as none."""
    yield from equal(seen, ("META-057",), "plain", ["bias_null", "bias_empty"])


@check("META-038", "META-039", on=on("greedy"), witness=True)
def prompt_tokens_depend_on_the_prompt_alone(seen: Observation) -> Iterator[Note]:
    """Sampling parameters leave prompt_tokens as they are; a longer prompt does not."""
    plain = usage_of(seen["plain"], "prompt_tokens") if "plain" in seen.steps else None
    if plain is None:
        return
    for label, exchange in seen.steps.items():
        count = usage_of(exchange, "prompt_tokens")
        if count is None or label == "plain":
            continue
        row = "META-039" if label == "longer" else "META-038"
        yield Witness((row,))
        if count < plain if label == "longer" else count != plain:
            yield Finding(
                expected=f"{'at least ' if label == 'longer' else ''}{plain}",
                actual=count,
                pointer="/usage/prompt_tokens",
                step=label,
                ids=(row,),
            )


_ON_STOPS = (*on("stops"), *on("streams"))
_HALTED = ("stopped", "stopped_by_list", "line", "line_streamed")
"""Steps with a stop string that the plain text holds, whole and streamed."""


def _plain(seen: Observation) -> str:
    """The step whose text no stop string cuts."""
    return "plain" if "plain" in seen.steps else "whole"


def _stopped(seen: Observation, label: str) -> tuple[str, str, str] | None:
    """The stop string, the greedy text that holds it, and the text under it."""
    texts = texts_of(seen, _plain(seen), label)
    if texts is None:
        return None
    whole, cut = texts
    sent = seen[label].request.json["stop"]
    held = [
        stop for stop in ([sent] if isinstance(sent, str) else sent) if stop in whole
    ]
    return (held[0], whole, cut) if held else None


@check(
    *spec.rows("stop-obeyed", "nothing-after-stop", "stop-left-out"),
    on=_ON_STOPS,
    witness=True,
)
def nothing_follows_a_stop_string(seen: Observation) -> Iterator[Note]:
    """Generation halts at a stop string, which is no part of the text (soft)."""
    hard = rows_of(seen, "stop-obeyed", "nothing-after-stop")
    for label in _HALTED:
        found = _stopped(seen, label)
        if found is None:
            continue
        stop, whole, cut = found
        yield Witness((*hard, "META-046"))
        _, kept, after = cut.partition(stop)
        if kept and after:
            yield Finding(
                expected=f"nothing after {stop!r}",
                actual=cut,
                step=label,
                kind="silent",
                ids=hard,
            )
        elif kept:
            yield FollowedReading("included", ids=hard[:1])
            yield Finding(
                expected=f"text without {stop!r}",
                actual=cut,
                step=label,
                soft=True,
                ids=(*hard[:1], "META-046"),
            )
        elif begun := _begun(whole.partition(stop)[0], cut, stop):
            yield Finding(
                expected=f"text without any of {stop!r}",
                actual=f"… {begun!r}",
                step=label,
                ids=("META-046",),
            )
        else:
            yield FollowedReading("excluded", ids=hard[:1])


def _begun(wanted: str, cut: str, stop: str) -> str:
    """What a text holds of the beginning of a stop string, behind what was wanted."""
    rest = cut.removeprefix(wanted) if cut.startswith(wanted) else ""
    return rest if stop.startswith(rest) else ""


@check(
    *spec.rows("stop-cuts-greedy-text", "stop-never-lengthens", "stop-obeyed"),
    on=_ON_STOPS,
    witness=True,
)
def a_stop_string_cuts_the_greedy_text(seen: Observation) -> Iterator[Note]:
    """Text under a stop string is the greedy text before it, and ends with `stop`."""
    own = rows_of(seen, "stop-obeyed")
    yield from _never_longer(seen)
    for label in _HALTED:
        found = _stopped(seen, label)
        if found is None:
            continue
        stop, whole, cut = found
        yield Witness(("META-047", *own))
        before, _, after = cut.partition(stop)
        if after:
            continue  # it did not stop: that is CHAT-SEM-013 and COMP-SEM-010
        if before != whole.partition(stop)[0]:
            yield Finding(
                expected=f"{whole.partition(stop)[0]!r}: the text before {stop!r}",
                actual=cut,
                step=label,
                ids=("META-047",),
                drift=is_drift(whole.partition(stop)[0], cut),
            )
            continue  # another text has its own end
        finish = ends_otherwise(seen[label], "stop")
        if finish is not None:
            yield Finding(
                expected="stop",
                actual=finish,
                pointer="/choices/0/finish_reason",
                step=label,
                soft=True,
                ids=("META-047", *own),
            )


def _never_longer(seen: Observation) -> Iterator[Note]:
    for label in (*_HALTED, "never_stopped"):
        texts = texts_of(seen, _plain(seen), label)
        if texts is None:
            continue
        whole, cut = texts
        yield Witness(("META-049",))
        if len(cut) > len(whole):
            yield Finding(
                expected=f"at most {len(whole)} characters, as without a stop string",
                actual=cut,
                step=label,
                ids=("META-049",),
                drift=is_drift(whole, cut),
            )


@check("META-048", "CHAT-REQ-032", on=on("stops"), witness=True)
def forms_of_stop_mean_the_same(seen: Observation) -> Iterator[Note]:
    """A string is a list of one; null and a string that never comes change nothing."""
    if not seen.accepted("plain", "never_stopped", "stop_null"):
        return
    row, null = ("META-048",), rows_of(seen, "stop-null", "stop-forms-agree")
    yield from equal(seen, row, "stopped", ["stopped_by_list"], soft=True)
    yield from equal(seen, row, "plain", ["never_stopped"], soft=True)
    yield from equal(seen, null, "plain", ["stop_null"], soft=True)


CHECKS: tuple[Check, ...] = (
    greedy_text_repeats,
    a_lower_limit_gives_a_prefix,
    a_cut_is_reported_as_length,
    both_limits_mean_the_same,
    one_choice_is_the_default,
    not_streaming_is_the_default,
    an_empty_bias_changes_nothing,
    prompt_tokens_depend_on_the_prompt_alone,
    nothing_follows_a_stop_string,
    a_stop_string_cuts_the_greedy_text,
    forms_of_stop_mean_the_same,
)
