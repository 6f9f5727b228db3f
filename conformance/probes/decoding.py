"""Relations between generations of one prompt: limits, stops, seeds, streams.

The same scenarios for chat and for completions. Greedy variants of one prompt share
one plain answer, so that a relation costs one request.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from conformance.exchange import Api, Exchange
from conformance.probe import Answers, Params, Probe, Served, Step, probe
from conformance.probes.bodies import OPERATION

LIMIT = 12
FEWER = 5
NEVER = "\u2403\u2403never\u2403\u2403"  # a stop string that no text holds
FORCED_ID = "1000"  # an ordinary token id in every usual vocabulary

PROMPTS: dict[Api, tuple[str, ...]] = {
    "chat": (
        "Tell me a short story about a lighthouse.",
        "Describe the sea in winter.",
        "List five animals that live in a forest.",
        "Explain why leaves fall in autumn. Où, wann, 왜?",
        "What should I pack for a week in the mountains?",
    ),
    "completions": (
        "Once upon a time there was a lighthouse",
        "The sea in winter is",
        "Five animals that live in a forest are",
        "Im Herbst — l'automne, 가을 — the leaves",
        "For a week in the mountains you should pack",
    ),
}


def asked(api: Api, served: Served, text: str, **members: Any) -> dict[str, Any]:
    """A body that asks a model to go on from a text."""
    body: dict[str, Any] = {"model": served.model(api)}
    if api == "chat":
        body["messages"] = [{"role": "user", "content": text}]
    else:
        body["prompt"] = text
    return body | members


def text_of(exchange: Exchange, index: int = 0) -> str | None:
    """The text of one choice of a whole answer; None when there is none."""
    body = exchange.response.json if exchange.response else None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not exchange.is_success or not isinstance(choices, list):
        return None
    for choice in choices:
        if isinstance(choice, dict) and choice.get("index") == index:
            message = choice.get("message")
            text = message.get("content") if isinstance(message, dict) else None
            text = choice.get("text") if text is None else text
            return text if isinstance(text, str) else None
    return None


def stop_within(text: str) -> str | None:
    """A stop string from inside a text: it spans two words, past the first one."""
    words = text.split()
    if len(words) >= 3:
        start = text.index(words[0]) + len(words[0])
        spot = text.index(words[1], start)
        # from the last letter of the second word into the third
        return text[spot + len(words[1]) - 1 : spot + len(words[1]) + 2]
    return text[len(text) // 2 :][:1] or None


def _prompts(api: Api) -> st.SearchStrategy[Params]:
    return st.fixed_dictionaries({"text": st.sampled_from(PROMPTS[api])})


def _greedy(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(f"{api}.greedy", api, params=_prompts(api), draws=(1, 1, 20))
    def greedy(p: Params, served: Served) -> Iterator[Step]:
        bare = asked(api, served, p["text"], temperature=0)
        body = bare | {"max_tokens": LIMIT}
        yield Step("plain", operation, body)
        yield Step("again", operation, body)
        yield Step("fewer", operation, bare | {"max_tokens": FEWER})
        yield Step("new_limit", operation, bare | {"max_completion_tokens": LIMIT})
        yield Step("one_choice", operation, body | {"n": 1})
        yield Step("not_streamed", operation, body | {"stream": False})
        yield Step("frequency_0", operation, body | {"frequency_penalty": 0})
        yield Step("presence_0", operation, body | {"presence_penalty": 0})
        yield Step("bias_null", operation, body | {"logit_bias": None})
        yield Step("bias_empty", operation, body | {"logit_bias": {}})
        longer = f"{p['text']} {p['text']}"
        yield Step(
            "longer", operation, asked(api, served, longer, temperature=0, max_tokens=1)
        )

    return greedy


def _stops(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.stops",
        api,
        params=_prompts(api),
        draws=(1, 2, 30),
        needs=("stop",),
    )
    def stops(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], temperature=0, max_tokens=LIMIT)

        def stop_string(answers: Answers) -> Any:
            stop = stop_within(text_of(answers["plain"]) or "")
            return None if stop is None else body | {"stop": stop}

        def stop_list(answers: Answers) -> Any:
            stop = stop_within(text_of(answers["plain"]) or "")
            return None if stop is None else body | {"stop": [NEVER, stop]}

        yield Step("plain", operation, body)
        yield Step("stopped", operation, stop_string)
        yield Step("stopped_by_list", operation, stop_list)
        yield Step("never_stopped", operation, body | {"stop": NEVER})
        yield Step("stop_null", operation, body | {"stop": None})

    return stops


def _streams(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.streams",
        api,
        params=_prompts(api),
        draws=(1, 2, 30),
        needs=("streaming",),
    )
    def streams(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], temperature=0, max_tokens=LIMIT)
        stream = body | {"stream": True}
        rows = _STREAM_ROWS[api]
        usage = {"include_usage": True}
        continuous = usage | {"continuous_usage_stats": True}
        yield Step("whole", operation, body)
        yield Step("streamed", operation, stream, serves=rows["stream"])
        yield Step(
            "with_usage",
            operation,
            stream | {"stream_options": usage},
            serves=(*rows["options"], *rows["usage"]),
        )
        yield Step(
            "without_usage",
            operation,
            stream | {"stream_options": {"include_usage": False}},
            serves=rows["usage"],
        )
        yield Step(
            "continuous",
            operation,
            stream | {"stream_options": continuous},
            serves=(*rows["options"], *rows["continuous"]),
        )
        yield Step(
            "null_options",
            operation,
            stream | {"stream_options": None},
            serves=rows["options"],
        )

        def stopped(answers: Answers) -> Any:
            stop = stop_within(text_of(answers["whole"]) or "")
            return None if stop is None else stream | {"stop": stop}

        yield Step("stopped", operation, stopped)

    return streams


_STREAM_ROWS: dict[Api, dict[str, tuple[str, ...]]] = {
    "chat": {
        "stream": ("CHAT-REQ-034",),
        "options": ("CHAT-REQ-035",),
        "usage": ("CHAT-REQ-036",),
        "continuous": ("CHAT-REQ-037",),
    },
    "completions": {
        "stream": ("COMP-REQ-030",),
        "options": ("COMP-REQ-032",),
        "usage": ("COMP-REQ-032",),
        "continuous": ("COMP-REQ-032",),
    },
}


def _sampled(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.seeds",
        api,
        params=st.fixed_dictionaries(
            {"text": st.sampled_from(PROMPTS[api]), "seed": st.integers(1, 9999)}
        ),
        draws=(0, 1, 20),
        needs=("seed",),
    )
    def seeds(p: Params, served: Served) -> Iterator[Step]:
        bare = asked(api, served, p["text"], max_tokens=8, seed=p["seed"])
        full = bare | {"temperature": 1, "top_p": 1}
        yield Step("seeded", operation, full)
        yield Step("seeded_again", operation, full)
        yield Step("no_temperature", operation, bare | {"top_p": 1})
        yield Step("no_top_p", operation, bare | {"temperature": 1})

    return seeds


def _choices(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.choices",
        api,
        params=st.fixed_dictionaries(
            {"text": st.sampled_from(PROMPTS[api]), "n": st.sampled_from((2, 3))}
        ),
        draws=(1, 2, 20),
        needs=("n",),
    )
    def choices(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], max_tokens=6, temperature=0.8)
        yield Step("one", operation, body)
        yield Step("several", operation, body | {"n": p["n"]})

    return choices


def _streamed_choices(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(
        f"{api}.streamed_choices",
        api,
        params=st.fixed_dictionaries(
            {"text": st.sampled_from(PROMPTS[api]), "n": st.sampled_from((2, 3))}
        ),
        draws=(0, 2, 20),
        needs=("n", "streaming"),
    )
    def streamed_choices(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], max_tokens=6, temperature=0.8, n=p["n"])
        options = {"stream": True, "stream_options": {"include_usage": True}}
        yield Step("streamed", operation, body | options)

    return streamed_choices


def _spread(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(f"{api}.spread", api, params=_prompts(api), draws=(0, 1, 5), needs=("seed",))
    def spread(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], max_tokens=6)
        for seed in range(1, 9):
            hot = body | {"temperature": 1, "seed": seed}
            yield Step(f"hot_{seed}", operation, hot)
        for seed in range(1, 5):
            warm = body | {"temperature": 0.5, "seed": seed}
            yield Step(f"warm_{seed}", operation, warm)
        for seed in range(1, 4):
            narrow = body | {"temperature": 1, "top_p": 0.01, "seed": seed}
            yield Step(f"narrow_{seed}", operation, narrow)
        yield Step("cold", operation, body | {"temperature": 0})

    return spread


def _pushed(api: Api) -> Probe:
    operation = OPERATION[api]

    @probe(f"{api}.pushed", api, params=_prompts(api), draws=(0, 1, 10))
    def pushed(p: Params, served: Served) -> Iterator[Step]:
        body = asked(api, served, p["text"], temperature=0, max_tokens=24)
        for name in ("frequency", "presence"):
            field = f"{name}_penalty"
            yield Step(f"{name}_up", operation, body | {field: 2.0})
            yield Step(f"{name}_down", operation, body | {field: -2.0})
        short = body | {"max_tokens": 3}
        yield Step("plain", operation, short)
        forced = short | {"logit_bias": {FORCED_ID: 100}}
        yield Step("forced", operation, forced)

    return pushed


def decoding_probes(api: Api) -> list[Probe]:
    """The relations of one generating API."""
    return [
        _greedy(api),
        _stops(api),
        _streams(api),
        _sampled(api),
        _choices(api),
        _streamed_choices(api),
        _spread(api),
        _pushed(api),
    ]
