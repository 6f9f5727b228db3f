"""Relations between greedy generations: limits, stops, defaults.

The checks serve chat and completions alike; which rows a note concerns depends on
the API of the scenario, so they name them in `ids` and `Witness`.
"""

from collections.abc import Iterator

from conformance.check import Check, Finding, Note, Witness, check
from conformance.checks.generated import (
    equal,
    finish_of,
    on,
    rows_of,
    texts_of,
    usage_of,
)
from conformance.exchange import Observation
from conformance.probes.decoding import FEWER, LIMIT, stop_within, text_of


@check(on=on("greedy"), witness=True)
def greedy_text_repeats(seen: Observation) -> Iterator[Note]:
    """The same request at temperature 0 gives the same text."""
    yield from equal(seen, ("META-051",), "plain", ["again"])


@check(on=on("greedy"), witness=True)
def a_lower_limit_gives_a_prefix(seen: Observation) -> Iterator[Note]:
    """Greedy text under a lower limit is the beginning of that under a higher one."""
    texts = texts_of(seen, "plain", "fewer")
    if texts is None:
        return
    yield Witness(("META-044",))
    whole, cut = texts
    if not whole.startswith(cut.rstrip("\ufffd")):
        yield Finding(
            expected=f"a beginning of {whole!r}",
            actual=cut,
            step="fewer",
            ids=("META-044",),
        )


@check(on=on("greedy"), witness=True)
def a_cut_is_reported_as_length(seen: Observation) -> Iterator[Note]:
    """An answer that the limit cut off says `length`, with the limit's tokens."""
    rows = rows_of(seen, "CHAT-SEM-010", "COMP-SEM-007", "META-041")
    whole = usage_of(seen["plain"], "completion_tokens") if "plain" in seen.steps else 0
    texts = texts_of(seen, "plain", "fewer")
    if texts is None or not whole or whole <= FEWER + 1 or texts[0] == texts[1]:
        return
    yield Witness(rows)
    finish = finish_of(seen["fewer"])
    if finish != "length":
        yield Finding(
            expected="length",
            actual=finish,
            pointer="/choices/0/finish_reason",
            step="fewer",
            ids=rows,
        )
    count = usage_of(seen["fewer"], "completion_tokens")
    if count is not None and count != FEWER:
        yield Finding(
            expected=f"{FEWER} tokens, the limit",
            actual=count,
            pointer="/usage/completion_tokens",
            step="fewer",
            ids=("META-041",),
        )


@check(on=on("greedy"), witness=True)
def both_limits_mean_the_same(seen: Observation) -> Iterator[Note]:
    """max_tokens k and max_completion_tokens k cut alike (text: soft)."""
    if not seen.accepted("plain", "new_limit"):
        return
    rows = rows_of(seen, "", "", "META-043")
    count = usage_of(seen["new_limit"], "completion_tokens")
    yield Witness(rows)
    if count is not None and count > LIMIT:
        yield Finding(
            expected=f"at most {LIMIT} tokens",
            actual=count,
            pointer="/usage/completion_tokens",
            step="new_limit",
            kind="silent",
            ids=rows,
        )
    else:
        yield from equal(seen, rows, "plain", ["new_limit"], soft=True)


@check(on=on("greedy"), witness=True)
def one_choice_is_the_default(seen: Observation) -> Iterator[Note]:
    """N omitted and n 1 both give one choice (text: soft)."""
    if not seen.accepted("plain", "one_choice"):
        return
    yield Witness(("META-036",))
    for label in ("plain", "one_choice"):
        response = seen[label].response
        body = response.json if response else None
        choices = body.get("choices") if isinstance(body, dict) else None
        if isinstance(choices, list) and len(choices) != 1:
            yield Finding(
                expected="one choice",
                actual=len(choices),
                pointer="/choices",
                step=label,
                ids=("META-036",),
            )
            return
    yield from equal(seen, ("META-036",), "plain", ["one_choice"], soft=True)


@check(on=on("greedy"), witness=True)
def not_streaming_is_the_default(seen: Observation) -> Iterator[Note]:
    """Without `stream`, and with false, the answer is one JSON body."""
    rows = rows_of(seen, "CHAT-REQ-034", "COMP-REQ-030", "META-060")
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


@check(on=on("greedy"), witness=True)
def printed_defaults_change_nothing(seen: Observation) -> Iterator[Note]:
    """Spelling out a penalty of 0 changes nothing."""
    frequency = rows_of(seen, "CHAT-REQ-013", "COMP-REQ-011", "META-052")
    presence = rows_of(seen, "CHAT-REQ-027", "COMP-REQ-026", "META-052")
    yield from equal(seen, frequency, "plain", ["frequency_0"])
    yield from equal(seen, presence, "plain", ["presence_0"])


@check(on=on("greedy"), witness=True)
def an_empty_bias_changes_nothing(seen: Observation) -> Iterator[Note]:
    """logit_bias null and {} are as good as none."""
    yield from equal(seen, ("META-057",), "plain", ["bias_null", "bias_empty"])


@check(on=on("greedy"), witness=True)
def prompt_tokens_depend_on_the_prompt_alone(seen: Observation) -> Iterator[Note]:
    """Sampling parameters leave prompt_tokens as they are."""
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


def _stop(seen: Observation) -> str | None:
    """The stop string of the scenario, if the plain text holds it."""
    plain = text_of(seen["plain"]) if "plain" in seen.steps else None
    return stop_within(plain) if plain else None


@check(on=on("stops"), witness=True)
def nothing_follows_a_stop_string(seen: Observation) -> Iterator[Note]:
    """Generation halts at a stop string, which is no part of the text."""
    stop = _stop(seen)
    hard = rows_of(seen, "CHAT-SEM-013", "COMP-SEM-010", "META-045")
    for label in ("stopped", "stopped_by_list"):
        texts = texts_of(seen, "plain", label)
        if stop is None or texts is None:
            continue
        whole, cut = texts
        yield Witness((*hard, "META-046", "META-047", "META-049"))
        before, found, after = cut.partition(stop)
        if found and after:
            yield Finding(
                expected=f"nothing after {stop!r}",
                actual=cut,
                step=label,
                kind="silent",
                ids=hard,
            )
        if found and not after:
            yield Finding(
                expected=f"text without {stop!r}",
                actual=cut,
                step=label,
                ids=("META-046",),
            )
        elif not found and cut != whole.partition(stop)[0]:
            yield Finding(
                expected=whole.partition(stop)[0],
                actual=before,
                step=label,
                ids=("META-047",),
            )
        if len(cut) > len(whole):
            yield Finding(
                expected=f"at most {len(whole)} characters",
                actual=cut,
                step=label,
                ids=("META-049",),
            )
        finish = finish_of(seen[label])
        if not after and finish != "stop":
            yield Finding(
                expected="stop",
                actual=finish,
                pointer="/choices/0/finish_reason",
                step=label,
                soft=True,
                ids=(*hard[:1], "META-047"),
            )


@check(on=on("stops"), witness=True)
def forms_of_stop_mean_the_same(seen: Observation) -> Iterator[Note]:
    """A string is a list of one; null and a string that never comes change nothing."""
    rows = ("META-048",)
    yield from equal(seen, rows, "stopped", ["stopped_by_list"], soft=True)
    yield from equal(seen, rows, "plain", ["never_stopped", "stop_null"], soft=True)


@check("CHAT-REQ-021", on="chat.huge_limit", when=lambda s: s["huge"].status > 0)
def a_huge_limit_is_refused_or_clamped(seen: Observation) -> Iterator[Note]:
    """A limit beyond the model's maximum is refused or clamped, never a crash."""
    if seen["huge"].status >= 500:
        yield Finding(
            expected="200 or 4xx", actual=seen["huge"].status, step="huge", kind="crash"
        )


CHECKS: tuple[Check, ...] = (
    greedy_text_repeats,
    a_lower_limit_gives_a_prefix,
    a_cut_is_reported_as_length,
    both_limits_mean_the_same,
    one_choice_is_the_default,
    not_streaming_is_the_default,
    printed_defaults_change_nothing,
    an_empty_bias_changes_nothing,
    prompt_tokens_depend_on_the_prompt_alone,
    nothing_follows_a_stop_string,
    forms_of_stop_mean_the_same,
    a_huge_limit_is_refused_or_clamped,
)
