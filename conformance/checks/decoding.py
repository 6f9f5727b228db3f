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
    tokens_of_words,
    usage_of,
    words_in,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.tolerances import ALIKE


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
    limit = seen.params["fewer"]
    counts = [usage_of(seen[s], "completion_tokens") for s in ("fewer", "new_limit")]
    if all(count is not None and count > limit for count in counts):
        return  # neither limits: other rows say so, and how they compare is unseen
    yield Witness(rows)
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
    """An omitted n and n 1 give the same text (soft)."""
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
    """An empty logit_bias is as good as none."""
    yield from equal(seen, ("META-057",), "plain", ["bias_empty"])


_LONGER = ("longer", "hidden", "spoken")
"""Steps whose prompts say more than the plain one."""


@check("META-038", on=(*on("greedy"), *on("streams")), witness=True)
def prompt_tokens_depend_on_the_prompt_alone(seen: Observation) -> Iterator[Note]:
    """Sampling parameters leave prompt_tokens as they are."""
    for label, plain, count in _prompt_tokens(seen):
        if label not in _LONGER:
            yield Witness(("META-038",))
            if count != plain:
                yield Finding(str(plain), count, "/usage/prompt_tokens", step=label)


@check("META-039", on=on("greedy"), witness=True)
def each_word_of_a_longer_prompt_is_counted(seen: Observation) -> Iterator[Note]:
    """A prompt that was extended has a token more for each word more."""
    for label, plain, _ in _prompt_tokens(seen):
        if label in _LONGER:
            exchange = seen[label]
            # a template may have a system message of its own where there is none
            is_alike = label != "spoken"
            before, own = (plain, words_in(seen["plain"])) if is_alike else (0, 0)
            yield from tokens_of_words(exchange, before, words_in(exchange) - own)


def _prompt_tokens(seen: Observation) -> Iterator[tuple[str, int, int]]:
    """Each step but the plain one, with the plain prompt's count and its own.

    What is to be streamed counts as the whole answer does by META-062.
    """
    first = _plain(seen)
    plain = usage_of(seen[first], "prompt_tokens") if first in seen.steps else None
    for label, exchange in seen.steps.items():
        count = usage_of(exchange, "prompt_tokens")
        is_streamed = exchange.request.json.get("stream")
        if plain is None or count is None or is_streamed:
            continue
        if label != first:
            yield label, plain, count


_ON_STOPS = (*on("stops"), *on("streams"))
_HALTED = ("stopped", "ended", "stopped_by_list", "line", "line_streamed")
"""Steps with a stop string that the plain text holds, whole and streamed."""


def _plain(seen: Observation) -> str:
    """The step whose text no stop string cuts."""
    return "plain" if "plain" in seen.steps else "whole"


def _stopped(seen: Observation, label: str) -> tuple[str, str, str] | None:
    """The stop string that comes first, the text that holds it, and that under it."""
    texts = texts_of(seen, _plain(seen), label)
    if texts is None:
        return None
    whole, cut = texts
    sent = seen[label].request.json["stop"]
    held = [
        stop for stop in ([sent] if isinstance(sent, str) else sent) if stop in whole
    ]
    return (min(held, key=whole.index), whole, cut) if held else None


def _all_stopped(seen: Observation) -> Iterator[tuple[str, str, str, str]]:
    """Each step that a stop string halts, with what `_stopped` says of it."""
    for label in _HALTED:
        found = _stopped(seen, label)
        if found is not None:
            yield (label, *found)


@check(*spec.rows("stop-obeyed", "nothing-after-stop"), on=_ON_STOPS, witness=True)
def nothing_follows_a_stop_string(seen: Observation) -> Iterator[Note]:
    """Generation halts at a stop string."""
    rows = rows_of(seen, "stop-obeyed", "nothing-after-stop")
    for label, stop, whole, cut in _all_stopped(seen):
        yield Witness(rows)
        if cut.partition(stop)[2] or _goes_on(whole, stop, cut):
            yield Finding(
                expected=f"nothing after {stop!r}",
                actual=cut,
                step=label,
                kind="silent",
                ids=rows,
            )


def _goes_on(whole: str, stop: str, cut: str) -> bool:
    """A text says what comes behind the stop string, which itself was taken out.

    One that drifts apart where the stop string would begin says something else.
    """
    before, _, after = whole.partition(stop)
    rest = cut.removeprefix(before) if cut.startswith(before) else ""
    return len(rest.strip()) >= ALIKE and after.startswith(rest)


@check(*spec.rows("stop-obeyed", "stop-left-out"), on=_ON_STOPS, witness=True)
def a_stop_string_is_left_out(seen: Observation) -> Iterator[Note]:
    """A stop string is no part of the text that it ends (soft), nor its beginning."""
    own = rows_of(seen, "stop-obeyed")
    for label, stop, whole, cut in _all_stopped(seen):
        yield Witness((*own, "META-046"))
        _, kept, after = cut.partition(stop)
        if after:
            continue  # it did not stop
        if kept:
            yield FollowedReading("included", ids=own)
            yield Finding(
                expected=f"text without {stop!r}",
                actual=cut,
                step=label,
                soft=True,
                ids=(*own, "META-046"),
            )
        elif begun := _begun(whole.partition(stop)[0], cut, stop):
            yield Finding(
                expected=f"text without any of {stop!r}",
                actual=f"… {begun!r}",
                step=label,
                ids=("META-046",),
            )
        else:
            yield FollowedReading("excluded", ids=own)


def _begun(wanted: str, cut: str, stop: str) -> str:
    """What a text holds of the beginning of a stop string, behind what was wanted."""
    rest = cut.removeprefix(wanted) if cut.startswith(wanted) else ""
    return rest if stop.startswith(rest) else ""


@check(*spec.rows("stop-cuts-greedy-text", "stop-obeyed"), on=_ON_STOPS, witness=True)
def a_stop_string_cuts_the_greedy_text(seen: Observation) -> Iterator[Note]:
    """Text under a stop string is the greedy text before it, and ends with `stop`."""
    own = rows_of(seen, "stop-obeyed")
    for label, stop, whole, cut in _all_stopped(seen):
        yield Witness(("META-047", *own))
        before, _, after = cut.partition(stop)
        if after or _goes_on(whole, stop, cut):
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
        if label == "ended":
            continue  # with its last token: `length` is as true
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


@check("META-049", on=_ON_STOPS, witness=True)
def a_stop_string_never_lengthens(seen: Observation) -> Iterator[Note]:
    """Greedy text with a stop string is no longer than without one."""
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


def _stops_early(seen: Observation) -> bool:
    """A string that never comes ended the text, as no arithmetic does."""
    texts = texts_of(seen, "plain", "never_stopped")
    if texts is None or ends_otherwise(seen["never_stopped"], "stop") is not None:
        return False
    whole, cut = texts
    return whole != cut and whole.startswith(cut)


@check("META-048", "CHAT-REQ-032", on=on("stops"), witness=True)
def forms_of_stop_mean_the_same(seen: Observation) -> Iterator[Note]:
    """A string is a list of one; null and a string that never comes change nothing."""
    if not seen.accepted("plain", "never_stopped"):
        return
    row, null = ("META-048",), rows_of(seen, "stop-null", "stop-forms-agree")
    yield from equal(seen, row, "stopped", ["stopped_by_list"], soft=True)
    yield from equal(seen, row, "plain", ["never_stopped"], soft=not _stops_early(seen))
    yield from equal(seen, null, "plain", ["stop_null"], soft=True)
