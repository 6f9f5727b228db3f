"""Relations between drawn texts of one prompt: seeds, choices, heat, penalties.

The same scenarios for chat and for completions, as those of decoding.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import strategies as st

from aios_conformance import spec
from aios_conformance.conformance.probes.bodies import OPERATION
from aios_conformance.conformance.probes.decoding import (
    BANNED_IDS,
    BARE,
    FORCED_ID,
    NOW,
    OTHER,
    UNLIKE,
    after_reply,
    asked,
    brief,
    framed,
    greedy_probe,
    less,
    prompt,
    stops_probe,
    streams_probe,
)
from aios_conformance.conformance.probes.prompts import prompts_of
from aios_conformance.conformance.probes.stop_strings import NEVER
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import (
    Answers,
    Later,
    Params,
    Probe,
    Served,
    Step,
    probe,
)
from aios_conformance.conformance.terms.said import text_of

FREQUENCY_0, PRESENCE_0 = "frequency_0", "presence_0"
OTHERWISE = ("otherwise", "otherwise_again")
"""The same without a penalty, sent where the two that spell one out differ."""


def _seeds(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.seeds",
        api,
        # 0 is a seed like any other
        params=brief(api, seed=st.just(0) if api == "chat" else st.integers(1, 9999)),
        draws=(0, 1, 30),
        needs=("seed",),
    )
    def seeds(p: Params, served: Served) -> Iterator[Step]:
        bare = asked(api, served, p["text"], max_tokens=28, seed=p["seed"])
        bare |= {"n": 2} if served.offers("n") else {}
        is_scored = api == "completions" and served.offers("logprobs")
        bare |= {"logprobs": 1} if is_scored else {}
        # what has another form and temperature is compared among itself
        other = bare | after_reply(api, served, p["text"], temperature=0.5, top_p=1)
        other |= framed(api, served, "completions")
        bare |= framed(api, served, "chat")
        full = bare | {"temperature": 1, "top_p": 1}
        yield Step("seeded", operation, full)

        def again(answers: Answers) -> Any:
            """The very same: that tells a lost seed from another default."""
            others = ("seeded", "no_temperature", "no_top_p")
            return full if len({text_of(answers[s]) for s in others}) > 1 else None

        # nothing that it asks for is to act on those beside it
        seedless = asked(api, served, OTHER) | UNLIKE | {"max_tokens": 8}
        for label, body in (
            ("seedless", seedless),
            ("no_temperature", bare | {"top_p": 1}),
            ("no_top_p", bare | {"temperature": 1}),
            (FREQUENCY_0, other | {"frequency_penalty": 0}),
            (PRESENCE_0, other | {"presence_penalty": 0}),
        ):
            yield Step(label, operation, body, together=True)

        def doubted(answers: Answers) -> Any:
            """Without either, twice: that tells a lost seed from another default."""
            both = {text_of(answers[s]) for s in (FREQUENCY_0, PRESENCE_0)}
            return other if len(both) > 1 else None

        for label in OTHERWISE:
            spare = Step(label, operation, doubted, like=FREQUENCY_0, spare=True)
            yield replace(spare, narrows=True)

        def beside(answers: Answers) -> Any:
            """What was beside the others: it may have changed their texts."""
            return seedless if again(answers) else None

        for label, made in (("again", again), ("seedless_again", beside)):
            spare = Step(label, operation, made, like="seeded", spare=True)
            yield replace(spare, narrows=True, together=True)

    return seeds


def _choices(api: Api) -> Probe:
    operation, row = OPERATION[api], partial(spec.row, api)

    @probe(
        f"{api}.choices",
        api,
        params=prompt(api, limit=st.integers(5, 7)),
        draws=(1 if api == "chat" else 0, 1, 30),
        needs=("n",),
    )
    def choices(p: Params, served: Served) -> Iterator[Step]:
        # chat is asked for one of those by which logits are divided beyond all bounds
        heat = 0.005 if api == "chat" else 0.7
        body = asked(api, served, p["text"], max_tokens=p["limit"], temperature=heat)
        rows = (row("temperature-type"), row("temperature-range"))
        yield Step("one", operation, body, serves=rows)
        yield Step("several", operation, body | {"n": 3}, serves=(row("n-type"),))

    return choices


SEEDS = range(1, 9)
"""Eight different seeds (META-053); as soon as two texts differ, no more are sent."""


DRAWN = 4
"""Choices that are drawn at each of two temperatures."""


def _several(served: Served) -> dict[str, Any]:
    """Several choices, how likely each token was, and a tool that nothing calls for."""
    found: dict[str, Any] = {"n": DRAWN} if served.offers("n") else {}
    found |= {"logprobs": True} if served.offers("logprobs") else {}
    return found | ({"tools": [NOW]} if served.offers("tools") else {})


def _spread(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.spread",
        api,
        params=brief(api),
        draws=(0, 1, 25),
        needs=("seed",),
    )
    def spread(p: Params, served: Served) -> Iterator[Step]:
        # top_p is spelt out: its default is another row's matter
        body = asked(api, served, p["text"], max_tokens=6, top_p=1)
        body |= framed(api, served, "completions")
        hot = body | {"temperature": 1}

        def another(seed: int) -> Later:
            def made(answers: Answers) -> Any:
                texts = {text_of(e) for label, e in answers.items() if "hot" in label}
                return hot | {"seed": seed} if len(texts) < 2 else None

            return made

        first, second, *more = SEEDS
        yield Step(f"hot_{first}", operation, hot | {"seed": first})
        if api == "chat":
            # some servers have a temperature of their own for who offers tools
            beside = body | _several(served) | {"seed": 1, "max_tokens": 24}
            for label, heat in (("warm", 0.5), ("warmer", 1), ("warm_again", 0.5)):
                yield Step(label, operation, beside | {"temperature": heat})
        # each is in the company of one that has another temperature or top_p
        beside_cold = Step(f"hot_{second}", operation, hot | {"seed": second})
        yield replace(beside_cold, together=True)
        narrow = hot | {"top_p": 0.01, "seed": 1}
        # of a chat a whole answer shows it beside tools, and a stream here; what else
        # a completion asks for is what the first asked for, which may be kept
        narrow |= framed(api, served, "chat") if served.offers("tools") else {}
        if api == "chat" and served.offers("n"):
            narrow |= {"n": 2}
        yield Step("narrow", operation, narrow, together=True)
        cold = body | {"temperature": 0, "seed": 1}
        yield Step("cold", operation, cold, together=True)
        for seed in more:
            spare = Step(
                f"hot_{seed}", operation, another(seed), like=f"hot_{first}", spare=True
            )
            yield replace(spare, completion_tokens=6)

    return spread


def _beside(api: Api, served: Served, text: str) -> dict[str, Any]:
    """What some servers bias not: several prompts; with a tool, choices drawn alike."""
    if api == "completions":
        return {"prompt": [text, "I"]}
    tool: dict[str, Any] = {"tools": [BARE], "tool_choice": "auto"}
    found = tool if served.offers("tools") else {}
    several = {"n": 2, "temperature": 1, "top_p": 0.01}
    return found | (several if served.offers("n") else {})


def _pushed(api: Api) -> Probe:
    operation, row = OPERATION[api], partial(spec.row, api)

    @probe(
        f"{api}.pushed",
        api,
        # of an answer that ends soon, nothing repeats
        params=st.fixed_dictionaries({"text": st.sampled_from(prompts_of(api).open)}),
        draws=(0, 1, 20),
    )
    def pushed(p: Params, served: Served) -> Iterator[Step]:
        whole = after_reply(api, served, p["text"], temperature=0, max_tokens=24)
        is_seeded = api == "completions" and served.offers("seed")
        whole |= {"seed": 1} if is_seeded else {}
        body = whole | framed(api, served, "completions")

        def step(label: str, sent: dict[str, Any], *rows: str) -> Step:
            return Step(label, operation, sent, serves=tuple(map(row, rows)))

        # of each API one penalty acts in streams, the other in whole answers
        apis: tuple[Api, Api] = ("completions", "chat")
        for name, streamed in zip(("frequency", "presence"), apis, strict=True):
            kind, bounds = f"{name}-penalty-type", f"{name}-penalty-range"
            given = whole | framed(api, served, streamed)
            yield step(f"{name}_up", given | {f"{name}_penalty": 2.0}, bounds)
            yield step(f"{name}_down", given | {f"{name}_penalty": -2.0}, kind, bounds)
        # beside a stop string that no text holds, in each other's company and in
        # streams: a bias that is lost there is seen
        plain = body | ({"stop": NEVER} if served.offers("stop") else {})
        yield Step("plain", operation, plain)
        banned = {"logit_bias": {str(token): -100 for token in BANNED_IDS}}
        yield replace(step("banned", plain | banned, "logit-bias-range"), together=True)
        most = body | {"logit_bias": {FORCED_ID: 100}, "max_tokens": 3}
        if served.offers("streaming"):
            # how many tokens there are, of which every piece is like the one before
            most |= {"stream": True, "stream_options": {"include_usage": True}}
        if served.offers("logprobs"):
            most |= {"logprobs": True if api == "chat" else 1}
        most |= _beside(api, served, p["text"])
        # of several things asked for any may be what is refused
        yield replace(step("forced", most), together=True)
        yield less("unstopped", "banned", operation, body | banned)
        given = {k: v for k, v in most.items() if k != "logprobs"}
        yield less("unscored", "forced", operation, given)
        alone = body | {"logit_bias": most["logit_bias"]}
        yield less("bias_alone", "forced", operation, alone)

    return pushed


def decoding_probes(api: Api) -> list[Probe]:
    """The relations of one generating API."""
    return [
        stops_probe(api),
        _choices(api),
        greedy_probe(api),
        streams_probe(api),
        _seeds(api),
        _spread(api),
        _pushed(api),
    ]
