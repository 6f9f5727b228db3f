"""Relations between sampled generations: seeds, choices, temperature, penalties.

The checks serve chat and completions alike; their notes name the rows.
"""

import re
from collections.abc import Iterator
from functools import partial

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import (
    Generated,
    equal,
    is_repeatable,
    on,
    rows_of,
    texts_of,
    usage_of,
)
from aios_conformance.conformance.checks.scored import positions_of
from aios_conformance.conformance.probes.sampling import (
    DRAWN,
    FREQUENCY_0,
    OTHERWISE,
    PRESENCE_0,
    SEEDS,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Observation


def _repeated(seen: Observation) -> str | None:
    """A step that has the text of the first one under the same seed, if one has."""
    sent = "again" in seen.steps
    labels = ("again",) if sent else ("no_temperature", "no_top_p")
    return next(filter(partial(is_repeatable, seen, "seeded"), labels), None)


@check(
    *spec.rows("seed-reproduces", "equal-seeds-equal-texts"),
    on=on("seeds"),
    witness=True,
)
def a_seed_repeats_its_text(seen: Observation) -> Iterator[Note]:
    """The same seed and body give the same text, and the same second one.

    The very same is sent where what a default leaves out has another text.
    """
    rows = rows_of(seen, "seed-reproduces", "equal-seeds-equal-texts")
    yield from equal(seen, rows, "seeded", ["again"])
    if same := _repeated(seen):
        yield Witness(rows)
        yield from equal(seen, rows, "seeded", [same], index=1)
        # in another form, at another temperature
        yield from equal(seen, rows, OTHERWISE[0], OTHERWISE[1:])


@check(
    *spec.rows(
        "frequency-penalty-default",
        "presence-penalty-default",
        "temperature-default",
        "top-p-default",
        "spelled-out-defaults",
    ),
    on=on("seeds"),
    # where a seed does not repeat its text, nothing can be compared
    when=lambda seen: _repeated(seen) is not None,
    witness=True,
)
def printed_defaults_change_nothing(seen: Observation) -> Iterator[Note]:
    """Under one seed a printed default that is spelt out changes no text."""
    frequency = rows_of(seen, "frequency-penalty-default", "spelled-out-defaults")
    presence = rows_of(seen, "presence-penalty-default", "spelled-out-defaults")
    heat = rows_of(seen, "temperature-default", "spelled-out-defaults")
    top_p = rows_of(seen, "top-p-default", "spelled-out-defaults")
    # where they differ from each other, one of them differs from what has neither
    is_doubted = not is_repeatable(seen, FREQUENCY_0, PRESENCE_0)
    if not is_doubted:
        yield from equal(seen, frequency, PRESENCE_0, [FREQUENCY_0])
        yield from equal(seen, presence, FREQUENCY_0, [PRESENCE_0])
    elif is_repeatable(seen, *OTHERWISE):
        yield from equal(seen, frequency, OTHERWISE[0], [FREQUENCY_0])
        yield from equal(seen, presence, OTHERWISE[0], [PRESENCE_0])
    yield from equal(seen, heat, "seeded", ["no_temperature"])
    yield from equal(seen, top_p, "seeded", ["no_top_p"])


@check("CHAT-SEM-012", "META-050", on="chat.spread", evidence=0, witness=True)
def a_seed_repeats_beside_a_tool(seen: Observation) -> Iterator[Note]:
    """The same seed gives each choice the same text again where a tool is offered."""
    rows = ("CHAT-SEM-012", "META-050")
    for index in range(DRAWN):
        yield from equal(seen, rows, "warm", ["warm_again"], index=index)


@check("META-037", on=on("choices"), witness=True)
def usage_covers_all_choices(seen: Observation) -> Iterator[Note]:
    """The prompt is counted once whatever n, the completion over all choices."""
    rows, step = ("META-037",), "several"
    if not seen.accepted("one", step):
        return
    one, prompt = (usage_of(seen[s], "prompt_tokens") for s in ("one", step))
    if None not in (one, prompt) and one != prompt:
        yield Finding(
            expected=f"{one}, as with one choice",
            actual=prompt,
            pointer="/usage/prompt_tokens",
            step=step,
            ids=rows,
        )
    many = Generated.of(seen[step], seen.facts)
    count = usage_of(seen[step], "completion_tokens")
    choices = many.choices if many else ()
    # of a single choice nothing is shown; what one has is only known if it was cut
    if count is None or len(choices) < 2:
        return
    if any(choice.get("finish_reason") != "length" for choice in choices):
        return
    yield Witness(rows)
    wanted = seen.params["limit"] * len(choices)
    if count != wanted:
        yield Finding(
            expected=f"{wanted}: the limit for each of {len(choices)} choices",
            actual=count,
            pointer="/usage/completion_tokens",
            step=step,
            ids=rows,
        )


def _sampled(seen: Observation, heat: str) -> list[str]:
    """The texts under each seed at one temperature; [] when one has none."""
    labels = [label for label in seen.steps if label.startswith(f"{heat}_")]
    return texts_of(seen, *labels) or []


@check("META-053", on=on("spread"), witness=True)
def different_seeds_differ(seen: Observation) -> Iterator[Note]:
    """Eight seeds at temperature 1 give at least two texts. Statistical."""
    texts = _sampled(seen, "hot")
    if len(texts) < len(SEEDS) and len(set(texts)) < 2:
        return
    yield Witness(("META-053",))
    if len(set(texts)) < 2:
        yield Finding(
            expected=f"two distinct texts under {len(texts)} seeds",
            actual=texts[0],
            step=f"hot_{len(texts)}",
            kind="silent",
            ids=("META-053",),
        )


@check(
    *spec.rows("temperature-effect", "temperature-spreads-texts"),
    on=on("spread"),
    witness=True,
)
def heat_spreads_the_texts(seen: Observation) -> Iterator[Note]:
    """Other texts are drawn at temperature 1 than at 0. Statistical."""
    rows = rows_of(seen, "temperature-effect", "temperature-spreads-texts")
    hot, cold = _sampled(seen, "hot"), texts_of(seen, "cold")
    if not hot or cold is None:
        return
    yield Witness(rows)
    if _is_drawn_cold(seen):
        yield Finding(
            expected="the greedy text, as under a tiny top_p",
            actual=cold[0],
            step="cold",
            kind="silent",
            ids=rows,
        )
    elif {*hot, *cold} == {*cold}:
        yield Finding(
            expected="another text at temperature 1 than at 0",
            actual=cold[0],
            step="hot_1",
            kind="silent",
            ids=rows,
        )


ENOUGH = 12  # words in which a penalty of 2 is seen to act
MANY = 40  # log probabilities of which a mean tells something

LESS_LIKELY = 0.25
"""By so much tokens at 0.5 may be less likely than at 1 in the mean, by chance."""


@check(
    *spec.rows("temperature-effect", "temperature-spreads-texts", api="chat"),
    on="chat.spread",
    witness=True,
)
def more_heat_dares_more(seen: Observation) -> Iterator[Note]:
    """Under a seed others, as many, and no likelier ones come at 1 than at 0.5."""
    rows = rows_of(seen, "temperature-effect", "temperature-spreads-texts")
    warm, warmer = (_drawn(seen, label) for label in ("warm", "warmer"))
    if not warm or len(warm) != len(warmer):
        return
    yield Witness(rows)
    told, hotter = _likelihood(seen, "warm"), _likelihood(seen, "warmer")
    found: tuple[str, object] | None = None
    if warm == warmer and len({*warm}) > 1:
        found = "other texts than at 0.5", warmer
    elif 2 * len({*warmer}) <= len({*warm}):
        found = f"as many texts as the {len({*warm})} at 0.5", len({*warmer})
    elif told is not None and hotter is not None and told < hotter - LESS_LIKELY:
        found = f"no likelier tokens than at 0.5, of {told:.2f} in the mean", hotter
    if found:
        yield Finding(*found, step="warmer", kind="silent", ids=rows)


def _drawn(seen: Observation, label: str) -> list[str]:
    """The texts of all choices of a step."""
    every = (texts_of(seen, label, index=index) for index in range(DRAWN))
    return [text for texts in every if texts for text in texts if text]


def _likelihood(seen: Observation, label: str) -> float | None:
    """The mean log probability of all tokens of a step; None of a few.

    Choices may be copies of one another, which tell no more than one of them.
    """
    every = (positions_of(seen[label], seen.facts, index) for index in range(DRAWN))
    distinct = {tuple((p.name, p.logprob) for p in one or ()) for one in every}
    told = [score for one in distinct for _, score in one if score is not None]
    if len(told) < MANY or max(told) > 0:  # which META-066 says
        return None
    return sum(told) / len(told)


@check(*spec.rows("top-p-effect", "tiny-top-p-greedy"), on=on("spread"), witness=True)
def a_tiny_top_p_is_greedy(seen: Observation) -> Iterator[Note]:
    """Under a top_p of 0.01 the text is the greedy one, whatever the seed."""
    rows = rows_of(seen, "top-p-effect", "tiny-top-p-greedy")
    if not _is_drawn_cold(seen):
        yield from equal(seen, rows, "cold", ["narrow"])


def _is_drawn_cold(seen: Observation) -> bool:
    """At temperature 0 comes what the seed gives at 1, and it is not what is greedy."""
    texts = texts_of(seen, "hot_1", "cold", "narrow")
    return texts is not None and texts[0] == texts[1] != texts[2]


def _is_repetitive(text: str) -> bool:
    """Something comes twice in it, at a length in which penalties are seen to act."""
    pieces = re.findall(r"\w+|[^\w\s]", text)
    return ENOUGH <= len(pieces) > len(set(pieces))


def _distinct(text: str) -> float:
    """The share of distinct words, 1 when no word comes twice."""
    words = text.split()
    return len(set(words)) / len(words) if words else 1.0


@check(
    *spec.rows(
        "frequency-penalty-effect",
        "presence-penalty-effect",
        "penalties-against-repetition",
    ),
    on=on("pushed"),
    witness=True,
)
def penalties_push_against_repetition(seen: Observation) -> Iterator[Note]:
    """A penalty of 2 gives no more repetition than one of -2. Statistical."""
    for name in ("frequency", "presence"):
        texts = texts_of(seen, f"{name}_up", f"{name}_down")
        if texts is None:
            continue
        if texts[0] == texts[1] and not _is_repetitive(texts[0]):
            continue  # there was nothing to push against
        rows = rows_of(seen, f"{name}-penalty-effect", "penalties-against-repetition")
        yield Witness(rows)
        up, down = map(_distinct, texts)
        if up < down:
            yield Finding(
                expected=f"distinct words: {down:.2f} of all or more, as at -2",
                actual=round(up, 2),
                step=f"{name}_up",
                ids=rows,
            )
        elif texts[0] == texts[1]:
            # no more repetition, as META-056 has it, but no effect either
            yield Finding(
                expected="another text than at -2",
                actual=texts[0],
                step=f"{name}_up",
                kind="silent",
                ids=rows[:-1],
            )


COMMONEST = (",", ".", " the")
"""Texts of tokens that the bias of the step `banned` names, in usual vocabularies."""


@check(
    *spec.rows("frequency-penalty-effect", "presence-penalty-effect"),
    on=on("pushed"),
    evidence=0,  # a text that repeats nothing shows nothing of it
    witness=True,
)
def penalties_below_0_are_read(seen: Observation) -> Iterator[Note]:
    """A penalty of -2 changes the greedy text, if one of 2 does. Statistical.

    One of the two that does nothing may have found nothing to repeat.
    """
    names = ("frequency", "presence")
    steps = [f"{name}_{way}" for way in ("up", "down") for name in names]
    texts = texts_of(seen, "plain", *steps)
    if texts is None or texts[0] in texts[1:3]:
        return
    plain, _, _, *below = texts
    for name in names:
        yield Witness(rows_of(seen, f"{name}-penalty-effect"))
    if below == [plain, plain]:
        for name in names:
            yield Finding(
                expected=f"another text than {plain!r}, which has no penalty",
                actual=plain,
                step=f"{name}_down",
                kind="silent",
                ids=rows_of(seen, f"{name}-penalty-effect"),
            )


@check(
    *spec.rows("logit-bias-effect", "logit-bias-extremes"),
    on=on("pushed"),
    witness=True,
)
def bias_pushes_its_token(seen: Observation) -> Iterator[Note]:
    """A bias of 100 on a token id, and of -100 on common ones, changes the text."""
    rows = rows_of(seen, "logit-bias-effect", "logit-bias-extremes")
    for index in range(FORCED):
        yield from _forced(seen, rows, index)
    banned = texts_of(seen, "plain", "banned")
    if banned is not None and any(text in banned[0] for text in COMMONEST):
        yield Witness(rows)
        if banned[0] == banned[1]:
            yield Finding(
                expected=f"another text than {banned[0]!r}, which has no bias",
                actual=banned[1],
                step="banned",
                kind="silent",
                ids=rows,
            )


FORCED = 2
"""Choices at most of the step that a bias forces."""


def _forced(seen: Observation, rows: tuple[str, ...], index: int) -> Iterator[Note]:
    """One token forced again and again is not the plain text, nor three tokens.

    How far a bias pushes is not said, but that the greatest shows.
    """
    plain = texts_of(seen, "plain")
    text = texts_of(seen, "forced", index=index)
    if plain is None or text is None:
        return
    yield Witness(rows)
    tokens = positions_of(seen["forced"], seen.facts, index) or []
    is_plain = bool(text[0]) and plain[0].startswith(text[0])
    if is_plain or len({one.name for one in tokens}) > 2:
        yield Finding(
            expected=f"another text than {plain[0]!r}, of one token that is forced",
            actual=text[0],
            pointer=f"/choices/{index}",
            step="forced",
            kind="silent",
            ids=rows if is_plain else rows[-1:],
        )


@check(*spec.rows("logit-bias-keys"), on=on("bias_key"), witness=True)
def bias_keys_are_token_ids(seen: Observation) -> Iterator[Note]:
    """A logit_bias key that is no number should be refused (A-104)."""
    rows = rows_of(seen, "logit-bias-keys")
    if not seen.accepted("valid") or not seen["key"].status:
        return
    yield Witness(rows)
    if seen["key"].is_success:
        yield Finding(
            expected="400 or 422: the key is no token id",
            actual=seen["key"].status,
            step="key",
            kind="silent",
            soft=True,
            ids=rows,
        )
