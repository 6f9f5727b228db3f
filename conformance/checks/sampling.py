"""Relations between sampled generations: seeds, choices, temperature, penalties.

The checks serve chat and completions alike; their notes name the rows.
"""

from collections.abc import Iterator

from conformance.check import Check, Finding, Note, Witness, check
from conformance.checks.generated import equal, on, rows_of, texts_of, usage_of
from conformance.exchange import Observation


@check(on=on("seeds"), witness=True)
def a_seed_repeats_its_text(seen: Observation) -> Iterator[Note]:
    """The same seed and body give the same text; so do the printed defaults."""
    again = rows_of(seen, "CHAT-SEM-012", "COMP-SEM-009", "META-050")
    heat = rows_of(seen, "CHAT-REQ-040", "COMP-REQ-034", "META-052")
    top_p = rows_of(seen, "CHAT-REQ-054", "COMP-REQ-038", "META-052")
    yield from equal(seen, again, "seeded", ["seeded_again"])
    yield from equal(seen, heat, "seeded", ["no_temperature"])
    yield from equal(seen, top_p, "seeded", ["no_top_p"])


@check(on=on("choices"), witness=True)
def usage_covers_all_choices(seen: Observation) -> Iterator[Note]:
    """The prompt is counted once whatever n, the completion over all choices."""
    if not seen.accepted("one", "several"):
        return
    rows = ("META-037",)
    before, after = (usage_of(seen[s], "prompt_tokens") for s in ("one", "several"))
    if before is not None and after is not None:
        yield Witness(rows)
        if before != after:
            yield Finding(
                expected=f"{before}, as with one choice",
                actual=after,
                pointer="/usage/prompt_tokens",
                step="several",
                ids=rows,
            )
    count = usage_of(seen["several"], "completion_tokens")
    response = seen["several"].response
    choices = response.json.get("choices") if response else None
    if count is None or not isinstance(choices, list) or not choices:
        return
    limit = seen["several"].request.json["max_tokens"]
    all_cut = all(c.get("finish_reason") == "length" for c in choices)
    if all_cut and count != limit * len(choices):
        yield Finding(
            expected=f"{len(choices)} choices of {limit} tokens each",
            actual=count,
            pointer="/usage/completion_tokens",
            step="several",
            ids=rows,
        )


@check(on=on("spread"), witness=True)
def heat_and_seeds_spread_the_texts(seen: Observation) -> Iterator[Note]:
    """More temperature gives more distinct texts; seeds differ; a tiny top_p does not.

    Statistical: never decides a run.
    """
    hot = texts_of(seen, *(f"hot_{i}" for i in range(1, 9)))
    warm = texts_of(seen, *(f"warm_{i}" for i in range(1, 5)))
    narrow = texts_of(seen, *(f"narrow_{i}" for i in range(1, 4)))
    cold = texts_of(seen, "cold")
    heat = rows_of(seen, "CHAT-SEM-016", "COMP-SEM-016", "META-054")
    if hot is not None:
        yield Witness(("META-053",))
        if len(set(hot)) < 2:
            yield Finding(
                expected="two distinct texts in 8 seeds",
                actual=1,
                step="hot_8",
                kind="silent",
                ids=("META-053",),
            )
    if hot is not None and warm is not None:
        yield Witness(heat)
        if len(set(warm)) > len(set(hot[:4])) + 1:
            yield Finding(
                expected=f"at most {len(set(hot[:4])) + 1} texts at temperature 0.5",
                actual=len(set(warm)),
                step="warm_4",
                ids=heat,
            )
        if len(set(hot)) < 2:
            yield Finding(
                expected="more than one text at temperature 1",
                actual=1,
                step="hot_8",
                kind="silent",
                ids=heat,
            )
    if narrow is not None and cold is not None:
        rows = rows_of(seen, "CHAT-SEM-022", "COMP-SEM-017", "META-055")
        yield Witness(rows)
        for i, text in enumerate(narrow, 1):
            if text != cold[0]:
                yield Finding(
                    expected=f"{cold[0]!r}, the greedy text",
                    actual=text,
                    step=f"narrow_{i}",
                    kind="silent",
                    ids=rows,
                )
                return


def _distinct(text: str) -> float:
    """The share of distinct words, 1 when no word comes twice."""
    words = text.split()
    return len(set(words)) / len(words) if words else 1.0


@check(on=on("pushed"), witness=True)
def penalties_push_against_repetition(seen: Observation) -> Iterator[Note]:
    """A penalty of 2 gives no more repetition than one of -2. Statistical."""
    for name, chat, completions in (
        ("frequency", "CHAT-SEM-002", "COMP-SEM-013"),
        ("presence", "CHAT-SEM-003", "COMP-SEM-014"),
    ):
        texts = texts_of(seen, f"{name}_up", f"{name}_down")
        if texts is None:
            continue
        rows = rows_of(seen, chat, completions, "META-056")
        yield Witness(rows)
        up, down = map(_distinct, texts)
        if up < down or texts[0] == texts[1]:
            yield Finding(
                expected=f"more distinct words than {down:.2f} of all, at -2",
                actual=round(up, 2),
                step=f"{name}_up",
                kind="silent",
                ids=rows,
            )


@check(on=on("pushed"), witness=True)
def bias_pushes_its_token(seen: Observation) -> Iterator[Note]:
    """A bias of 100 on one token id changes the greedy text."""
    texts = texts_of(seen, "plain", "forced")
    if texts is None:
        return
    rows = rows_of(seen, "CHAT-SEM-004", "COMP-SEM-015", "META-058")
    yield Witness(rows)
    if texts[0] == texts[1]:
        yield Finding(
            expected="another text than without the bias",
            actual=texts[1],
            step="forced",
            kind="silent",
            ids=rows,
        )


@check(on=on("bias_key"), witness=True)
def bias_keys_are_token_ids(seen: Observation) -> Iterator[Note]:
    """A logit_bias key that is no number should be refused (A-104)."""
    rows = rows_of(seen, "CHAT-REQ-016", "COMP-REQ-014")
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


CHECKS: tuple[Check, ...] = (
    a_seed_repeats_its_text,
    usage_covers_all_choices,
    heat_and_seeds_spread_the_texts,
    penalties_push_against_repetition,
    bias_pushes_its_token,
    bias_keys_are_token_ids,
)
