"""Relations between sampled generations: kept by good answers, broken by bad ones."""

from typing import Any

import pytest
from answers import chunk, says, streamed
from exchanges import findings, observation, witnessed
from generations import choice, refused, request, said, scored
from streaming import stream

from aios_conformance.conformance.checks import sampling
from aios_conformance.conformance.terms.exchange import Api, Exchange, Observation

BOTH: tuple[Api, ...] = ("chat", "completions")
TEXT = "the sea is cold"
OTHER = said("chat", "a sea is warm")


def _rows(found: Any) -> set[str]:
    return {row for finding in found for row in finding.ids}


def seeds(api: Api = "chat", /, **steps: Exchange) -> Observation:
    same = {"seeded": said(api, TEXT), "again": said(api, TEXT)}
    return observation(f"{api}.seeds", {}, None, 0, **(same | steps))


@pytest.mark.parametrize("api", BOTH)
def test_a_seed_repeats_its_text(api: Api) -> None:
    check = sampling.a_seed_repeats_its_text
    own = {"chat": "CHAT-SEM-012", "completions": "COMP-SEM-009"}[api]
    assert witnessed(check, seeds(api)) == {own, "META-050"}
    assert not findings(check, seeds(api))
    assert findings(check, seeds(api, again=said(api, "other")))
    # of several choices each comes again
    one, other = (said(api, "a", second) for second in ("b", "c"))
    assert not findings(check, seeds(api, seeded=one, again=one))
    assert findings(check, seeds(api, seeded=one, again=other))


@pytest.mark.parametrize(
    ("step", "row"),
    [
        ("no_temperature", "CHAT-REQ-040"),
        ("no_top_p", "CHAT-REQ-054"),
    ],
)
def test_a_default_that_is_spelt_out_changes_nothing(step: str, row: str) -> None:
    check = sampling.printed_defaults_change_nothing
    good = seeds(**{step: said("chat", TEXT)})
    assert witnessed(check, good) == {row, "META-052"}
    assert not findings(check, good)
    assert _rows(findings(check, seeds(**{step: OTHER}))) == {row, "META-052"}
    unrepeatable = seeds(again=OTHER, **{step: said("chat", "x")})
    assert not findings(check, unrepeatable)
    assert not witnessed(check, unrepeatable)


def test_a_seed_is_shown_by_what_spells_no_default_out() -> None:
    check = sampling.a_seed_repeats_its_text
    alike = {s: said("chat", TEXT) for s in ("seeded", "no_temperature", "no_top_p")}
    seen = observation("chat.seeds", {}, None, 0, **alike)
    assert witnessed(check, seen) == {"CHAT-SEM-012", "META-050"}
    assert not findings(check, seen)
    # whether a default or the seed is to blame is told by the very same
    other = dict.fromkeys(("no_temperature", "no_top_p"), OTHER)
    doubted = observation("chat.seeds", {}, None, 0, **(alike | other))
    assert not witnessed(check, doubted)
    assert not findings(sampling.printed_defaults_change_nothing, doubted)


def test_a_seed_repeats_beside_a_tool() -> None:
    check = sampling.a_seed_repeats_beside_a_tool
    good = {"warm": said("chat", "a", "b"), "warm_again": said("chat", "a", "b")}
    lost = good | {"warm_again": said("chat", "a", "c")}
    assert witnessed(check, observation("chat.spread", {}, None, 0, **good)) == {
        "CHAT-SEM-012",
        "META-050",
    }
    assert not findings(check, observation("chat.spread", {}, None, 0, **good))
    assert findings(check, observation("chat.spread", {}, None, 0, **lost))


PENALTIES = {"frequency_0": "CHAT-REQ-013", "presence_0": "CHAT-REQ-027"}


@pytest.mark.parametrize("step", PENALTIES)
def test_penalties_of_0_are_told_from_each_other(step: str) -> None:
    defaults, repeats = (
        sampling.printed_defaults_change_nothing,
        sampling.a_seed_repeats_its_text,
    )
    alike = dict.fromkeys(PENALTIES, said("chat", TEXT))
    assert witnessed(defaults, seeds(**alike)) == {*PENALTIES.values(), "META-052"}
    assert not findings(defaults, seeds(**alike))
    # which of them is another text than that without either
    again = dict.fromkeys(("otherwise", "otherwise_again"), said("chat", TEXT))
    doubted = seeds(**(alike | {step: OTHER} | again))
    assert _rows(findings(defaults, doubted)) == {PENALTIES[step], "META-052"}
    assert not findings(repeats, doubted)
    # neither, where the seed is lost
    lost = seeds(**(alike | {step: OTHER} | again | {"otherwise": OTHER}))
    assert not findings(defaults, lost)
    assert _rows(findings(repeats, lost)) == {"CHAT-SEM-012", "META-050"}


def choices(api: Api, prompt: int = 5, completion: int = 12, **over: Any) -> Any:
    cut = [choice(api, "x", i, finish_reason="length", **over) for i in range(3)]
    several = said(api, *cut, prompt=prompt, completion=completion)
    one = said(api, "x", prompt=5, completion=4)
    return observation(f"{api}.choices", {"limit": 4}, one=one, several=several)


@pytest.mark.parametrize("api", BOTH)
def test_usage_covers_all_choices(api: Api) -> None:
    check = sampling.usage_covers_all_choices
    assert witnessed(check, choices(api)) == {"META-037"}
    assert not findings(check, choices(api))
    assert findings(check, choices(api, completion=4))
    assert findings(check, choices(api, prompt=15))


def test_choices_that_end_by_themselves_have_unknown_lengths() -> None:
    check = sampling.usage_covers_all_choices
    seen = choices("chat")
    ended = said("chat", "x", "y", "z", completion=7)
    open_ = observation("chat.choices", seen.params, one=seen["one"], several=ended)
    assert not findings(check, open_)
    assert not witnessed(check, open_)


def test_a_server_that_ignores_n_shows_no_usage_of_several_choices() -> None:
    check = sampling.usage_covers_all_choices
    seen = choices("chat")
    one = said("chat", choice("chat", "x", finish_reason="length"), completion=4)
    ignored = observation("chat.choices", seen.params, one=seen["one"], several=one)
    assert not findings(check, ignored)
    assert not witnessed(check, ignored)


def spread(hot: list[str], cold: str, narrow: str) -> Observation:
    steps = {f"hot_{i}": said("chat", t) for i, t in enumerate(hot, 1)}
    steps |= {"cold": said("chat", cold), "narrow": said("chat", narrow)}
    return observation("chat.spread", {}, None, 0, **steps)


def test_different_seeds_differ() -> None:
    check = sampling.different_seeds_differ
    assert witnessed(check, spread(["a", "b"], "a", "a")) == {"META-053"}
    assert not findings(check, spread(["a", "b"], "a", "a"))
    assert findings(check, spread(["a"] * 8, "a", "a"))
    assert not witnessed(check, spread(["a"] * 7, "a", "a"))


def test_heat_spreads_the_texts() -> None:
    check = sampling.heat_spreads_the_texts
    assert not findings(check, spread(["a", "b"], "a", "a"))
    assert findings(check, spread(["a", "a"], "a", "a"))


def heated(warm: str, warmer: str, likely: float = -1, less: float = -2) -> Observation:
    """Choices of a letter each at 0.5 and at 1, and how likely their tokens are."""

    def drawn(letters: str, logprob: float) -> Exchange:
        told = {t: scored(*[(t, logprob, [])] * 15) for t in letters}
        each = (choice("chat", t, i, logprobs=told[t]) for i, t in enumerate(letters))
        return said("chat", *each, sent=request("chat", n=len(letters), logprobs=True))

    steps = {"warm": drawn(warm, likely), "warmer": drawn(warmer, less)}
    return observation("chat.spread", {}, None, 0, **steps)


def test_more_heat_dares_more() -> None:
    check = sampling.more_heat_dares_more
    assert witnessed(check, heated("aabc", "abcd")) == {"CHAT-SEM-016", "META-054"}
    assert not findings(check, heated("aabc", "abcd"))
    assert findings(check, heated("abcd", "abcd"))  # a limit of 0.5
    assert findings(check, heated("abcd", "aabb"))
    assert findings(check, heated("aabc", "abcd", less=-0.5))
    # so much is left to chance, and who repeats itself may do so
    assert not findings(check, heated("aabc", "abcd", less=-0.9))
    assert not findings(check, heated("aaaa", "aaaa", less=-1))
    # copies are few tokens, however many there are
    assert not findings(check, heated("aaaa", "bbbb", less=-0.5))
    assert not witnessed(check, heated("aabc", "a"))


def test_a_tiny_top_p_is_greedy() -> None:
    check = sampling.a_tiny_top_p_is_greedy
    assert not findings(check, spread(["a", "b"], "a", "a"))
    assert findings(check, spread(["b", "c"], "a", "b"))


def test_choices_that_run_together_in_a_stream_have_no_texts_of_their_own() -> None:
    check = sampling.a_tiny_top_p_is_greedy

    def narrow(*chunks: Any, n: int = 2) -> Observation:
        sent = request("chat", n=n, stream=True, top_p=0.01)
        steps = {"cold": said("chat", "sea"), "narrow": stream([*chunks], sent)}
        return observation("chat.spread", {}, None, 0, **steps)

    one = streamed("sea")
    other = [chunk(says("sea")), chunk(says(end="stop"))]
    assert witnessed(check, narrow(*one)) == {"CHAT-SEM-022", "META-055"}
    assert not findings(check, narrow(*one))
    assert not witnessed(check, narrow(*one, *other))
    assert findings(check, narrow(*one, *other, n=1))


def pushed(**texts: str) -> Observation:
    steps = {label: said("chat", text) for label, text in texts.items()}
    return observation("chat.pushed", {}, None, 0, **steps)


@pytest.mark.parametrize(
    ("name", "row"), [("frequency", "CHAT-SEM-002"), ("presence", "CHAT-SEM-003")]
)
def test_penalties_push_against_repetition(name: str, row: str) -> None:
    check = sampling.penalties_push_against_repetition

    def under(up: str, down: str) -> Observation:
        return pushed(**{f"{name}_up": up, f"{name}_down": down})

    assert witnessed(check, under("a b c", "a a a")) == {row, "META-056"}
    assert not findings(check, under("a b c", "a a a"))
    assert _rows(findings(check, under("a a a", "a b c"))) == {row, "META-056"}
    # no effect at all, but no more repetition either
    same = "The sea was calm. The boat came in, and nobody saw it."
    assert _rows(findings(check, under(same, same))) == {row}
    for short in ("The sea was calm.", "The sea, the sea."):  # nothing to push against
        assert not witnessed(check, under(short, short))


def test_penalties_below_0_are_read_where_those_above_are() -> None:
    check = sampling.penalties_below_0_are_read
    up = {"frequency_up": "a b", "presence_up": "a c"}
    read = pushed(plain="a a", **up, frequency_down="a a", presence_down="a d")
    assert witnessed(check, read) == {"CHAT-SEM-002", "CHAT-SEM-003"}
    assert not findings(check, read)
    unread = pushed(plain="a a", **up, frequency_down="a a", presence_down="a a")
    assert _rows(findings(check, unread)) == {"CHAT-SEM-002", "CHAT-SEM-003"}
    still = up | {"presence_up": "a a"}  # nothing changes this text
    assert not witnessed(
        check, pushed(plain="a a", **still, frequency_down="a a", presence_down="a a")
    )


def test_a_bias_pushes_its_token() -> None:
    check = sampling.bias_pushes_its_token
    good = pushed(plain="The sea.", forced="Any Any", banned="A sea")
    assert witnessed(check, good) == {"CHAT-SEM-004", "META-058"}
    assert not findings(check, good)
    assert findings(check, pushed(plain="The sea.", forced="The"))
    assert findings(check, pushed(plain="The sea.", banned="The sea."))
    assert not witnessed(check, pushed(plain="Sea", banned="Sea"))


def test_a_forced_token_is_the_only_one_in_each_choice() -> None:
    check = sampling.bias_pushes_its_token
    sent = request("chat", logprobs=True, n=2)

    def forced(*tokens: str) -> Observation:
        told = [scored(*[(t, -1.0, []) for t in each]) for each in ("zzz", tokens)]
        each = (choice("chat", "z", i, logprobs=one) for i, one in enumerate(told))
        steps = {"forced": said("chat", *each, sent=sent), "plain": said("chat", "sea")}
        return observation("chat.pushed", {}, None, 0, **steps)

    assert not findings(check, forced("z", "z", "z"))
    (found,) = findings(check, forced("a", "b", "c"))
    assert (found.pointer, found.ids) == ("/choices/1", ("META-058",))


@pytest.mark.parametrize("api", BOTH)
def test_a_bias_key_that_is_no_number_should_be_refused(api: Api) -> None:
    check = sampling.bias_keys_are_token_ids
    word = request(api, logit_bias={"word": 1})

    def keyed(answer: Exchange) -> Observation:
        return observation(f"{api}.bias_key", None, valid=said(api, "x"), key=answer)

    assert not findings(check, keyed(refused(api, word)))
    (found,) = findings(check, keyed(said(api, "x", sent=word)))
    assert found.soft


def test_what_the_seed_gives_at_temperature_1_is_not_greedy() -> None:
    heat, top_p = sampling.heat_spreads_the_texts, sampling.a_tiny_top_p_is_greedy
    drawn = spread(["a", "b"], "a", "c")
    assert _rows(findings(heat, drawn)) == {"CHAT-SEM-016", "META-054"}
    assert not findings(top_p, drawn)
    peaked = spread(["a", "b"], "a", "a")
    assert not findings(heat, peaked)
