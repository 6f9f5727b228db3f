"""Relations between generations of one prompt: limits, stops, seeds, streams.

The same scenarios for chat and for completions. Greedy variants of one prompt share
one plain answer, so that a relation costs one request. Steps name the rows that
their acceptance proves, and so stand in for single-field probes.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import strategies as st

from aios_conformance import spec
from aios_conformance.conformance.probes.bodies import OPERATION, function
from aios_conformance.conformance.probes.more_to_read import longer
from aios_conformance.conformance.probes.prompts import prompts_of
from aios_conformance.conformance.probes.stop_strings import (
    NEVER,
    PATTERNS,
    around_a_letter,
    behind,
    end_of,
    feints,
    last_words,
    stop_within,
)
from aios_conformance.conformance.terms.exchange import Api, Exchange, Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Later,
    Params,
    Probe,
    Served,
    Step,
    probe,
)
from aios_conformance.conformance.terms.said import reasoning_of, text_of

BARE = function("now")
NOW = function("now", parameters={"type": "object", "properties": {}})
"""What stands beside a request about something else: some want a schema."""

FORCED_ID = "1000"  # an ordinary token id in every usual vocabulary
BANNED_IDS = range(10, 310)
"""Token ids that hold the full stop, the comma or " the" in every usual vocabulary:
bytes and first merges come first. Banning them changes almost any text (A-104)."""

OTHER = "Tell a tale."
"""What is asked beside a question: its answer is told from that of any other."""

PENALTY = {"frequency_penalty": 0.3}
PUSHED = PENALTY | {"logit_bias": {FORCED_ID: 1}}
"""What long texts of completions stand under, whole and streamed; of chat the penalty
alone."""

UNLIKE = {
    "temperature": 0.5,
    "top_p": 0.5,
    "frequency_penalty": 2,
    "presence_penalty": 2,
    "logit_bias": {FORCED_ID: 100},
    "max_tokens": 2,
}
"""Parameters none of which is at its default, and that show in a greedy text."""


LENGTH = "a text that is long enough for a stop string"
LINES = "a text of two lines"


def asked(api: Api, served: Served, text: str, **members: Any) -> dict[str, Any]:
    """A body that asks a model to go on from a text."""
    body: dict[str, Any] = {"model": served.model(api)}
    if api == "chat":
        body["messages"] = [{"role": "user", "content": text}]
    else:
        body["prompt"] = text
    return body | members


GREETING = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hi"},
]


def after_reply(api: Api, served: Served, text: str, **members: Any) -> dict[str, Any]:
    """A body that asks a model to go on; chat is asked after a reply.

    Servers read what a conversation asks for by another way than a first question.
    """
    body = asked(api, served, text, **members)
    if api == "chat":
        body["messages"] = [*GREETING, *body["messages"]]
    return body


def framed(api: Api, served: Served, streamed: Api) -> dict[str, Any]:
    """`stream` for one API, nothing for the other: both show what both promise."""
    return {"stream": True} if api == streamed and served.offers("streaming") else {}


def drawn_stream(api: Api, served: Served) -> dict[str, Any]:
    """A stream of choices that are drawn, each listing the likeliest token alone.

    What it asks is asked whole as well, and is counted alike (META-037).
    """
    body = asked(api, served, OTHER, temperature=1, max_tokens=6, n=3, stream=True)
    likeliest = {"logprobs": True, "top_logprobs": 1}
    listed = likeliest if api == "chat" else {"logprobs": 1}
    return body | {"stream_options": {"include_usage": True}} | listed


def prompt(api: Api, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Params]:
    """A usual prompt, and what else is drawn with it."""
    text = st.sampled_from(prompts_of(api).usual)
    return st.fixed_dictionaries({"text": text, **more})


def brief(api: Api, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Params]:
    """A prompt that is asked often: of chat the open ones have fewer tokens."""
    known = prompts_of(api)
    text = st.sampled_from(known.open if api == "chat" else known.usual)
    return st.fixed_dictionaries({"text": text, **more})


_FEW = {
    "limit": st.integers(12, 15),
    "fewer": st.integers(3, 6),
    "after": st.integers(1, 3),
}
"""Small numbers of tokens (below 16, A-116) to cut answers at."""


def _later(
    api: Api, label: str, body: Later, *rows: str, like: str, wants: str = LENGTH
) -> Step:
    """A step that asks the prompt of another one, as earlier answers tell it to."""
    return Step(label, OPERATION[api], body, serves=rows, like=like, wants=wants)


def less(label: str, refused: str, operation: str, body: Json) -> Step:
    """A smaller body where a step is refused, to tell for which member it was."""

    def made(answers: Answers) -> Json:
        is_refused = refused in answers and answers[refused].status >= 400
        return body if is_refused else None

    spare = Step(label, operation, made, like=refused, spare=True)
    return replace(spare, narrows=True)


def greedy_probe(api: Api) -> Probe:
    """Limits and equal requests, at temperature 0."""
    operation, row = OPERATION[api], partial(spec.row, api)

    few = 1 if api == "completions" else 0  # in smoke one of them is enough

    @probe(f"{api}.greedy", api, params=prompt(api, **_FEW), draws=(few, 1, 30))
    def greedy(p: Params, served: Served) -> Iterator[Step]:
        def step(label: str, *rows: str, **change: Any) -> Step:
            body = asked(api, served, p["text"], temperature=0, max_tokens=p["limit"])
            body |= change
            if "max_completion_tokens" in change:
                del body["max_tokens"]
            is_one_of_many = label not in ("plain", "unlike")
            return Step(label, operation, body, serves=rows, together=is_one_of_many)

        fewer = p["fewer"]
        plain = step("plain", row("temperature-range"))
        yield replace(plain, alone=True)
        # what it asks for is not to act on the next one
        yield replace(step("unlike", **UNLIKE), expect="either")
        yield step("again")
        yield from longer(api, served, asked, p["text"])
        limits = row("max-completion-tokens-type"), row("max-completion-tokens-range")
        yield step(
            "fewer", row("max-tokens-type"), row("max-tokens-range"), max_tokens=fewer
        )
        yield step("new_limit", *limits, max_completion_tokens=fewer)
        yield step("not_streamed", row("stream-type"), stream=False)
        if api in served.among("chat"):  # shows for both (META-036)
            yield step("one_choice", n=1)
        yield step("bias_empty", row("logit-bias-type"), logit_bias={})

    return greedy


def stops_probe(api: Api) -> Probe:
    """Stop strings that a text holds, in every form, and one that it never does."""
    operation, row = OPERATION[api], partial(spec.row, api)

    @probe(
        f"{api}.stops",
        api,
        params=brief(api, **_FEW),
        draws=(0, 1, 40),
        needs=("stop",),
    )
    def stops(p: Params, served: Served) -> Iterator[Step]:
        body = after_reply(api, served, p["text"], temperature=0, max_tokens=p["limit"])

        def stop(answers: Answers) -> str | None:
            return stop_within(text_of(answers["plain"]) or "", p["after"])

        def stop_string(answers: Answers) -> Any:
            found = stop(answers)
            return None if found is None else body | {"stop": found}

        def stop_list(answers: Answers) -> Any:
            found = stop(answers)
            if found is None:
                return None
            plain = answers["plain"]
            later = behind(text_of(plain) or "", found, reasoning_of(plain))
            many = [*later, f"{found}{PATTERNS[1]}", found, PATTERNS[0]]  # 4
            return body | {"stop": many}

        def never(answers: Answers) -> Any:
            """What no text holds, though the end of this one begins with it."""
            return body | {"stop": last_words(text_of(answers["plain"]) or "") + NEVER}

        scored: dict[str, Any] = {"logprobs": True if api == "chat" else 1}

        def stop_scored(answers: Answers) -> Any:
            found = stop_string(answers)
            is_given = found is not None and served.offers("logprobs")
            return found | scored if is_given else found

        def ended(answers: Answers) -> Any:
            """What is complete with the last token allowed: both end the text."""
            found = end_of(text_of(answers["plain"]) or "")
            return None if found is None else body | {"stop": found}

        yield Step("plain", operation, body, alone=True)
        yield _later(api, "stopped", stop_scored, like="plain")
        if api == "chat":
            # what stopped the one before is not to stop this one
            null = row("stop-null")
            yield Step("stop_null", operation, body | {"stop": None}, serves=(null,))
        else:
            yield _later(api, "ended", ended, like="plain")
        yield _later(api, "stopped_by_list", stop_list, row("stop-array"), like="plain")
        yield _later(api, "never_stopped", never, row("stop-string"), like="plain")

    return stops


def _striking(api: Api, whole: Exchange, after: int) -> list[str]:
    """Stop strings of which the last ends a text; the first comes later, if any does.

    What ends it has a space in chat, in completions a letter beyond ASCII.
    """
    text = text_of(whole) or ""
    letter = around_a_letter(text) if api == "completions" else None
    found = letter or stop_within(text, after)
    if not found:
        return []
    return [*behind(text, found, reasoning_of(whole)), found + NEVER, found]


def streams_probe(api: Api) -> Probe:
    """Streams and whole answers of one prompt."""
    operation, row = OPERATION[api], partial(spec.row, api)

    @probe(
        f"{api}.streams",
        api,
        params=st.fixed_dictionaries(
            {
                "text": st.sampled_from(prompts_of(api).lists),
                "limit": st.integers(96, 120),
                "after": st.integers(1, 6),
            }
        ),
        draws=(0, 1, 30),
        needs=("streaming",),
    )
    def streams(p: Params, served: Served) -> Iterator[Step]:
        plain = asked(api, served, p["text"], temperature=0, max_tokens=p["limit"])
        body = plain | (PUSHED if api == "completions" else PENALTY)
        stream = body | {"stream": True}
        usage = {"include_usage": True}
        continuous = usage | {"continuous_usage_stats": True}

        def step(label: str, *rows: str, **change: Any) -> Step:
            return Step(label, operation, stream | change, serves=rows)

        def feinted(answers: Answers) -> Any:
            """The whole text again: what begins a stop string is no stop string."""
            text = text_of(answers["whole"]) or ""
            stops = {"stop": feints(text)} if served.offers("stop") else {}
            return stream | stops | listed

        def line(base: dict[str, Any]) -> Later:
            """The first line alone: the printed sample of stop (000:386, 000:584)."""

            def made(answers: Answers) -> Any:
                text = text_of(answers["whole"]) or ""
                return base | {"stop": "\n"} if "\n" in text.lstrip("\n") else None

            return made

        yield Step("whole", operation, body, alone=True)
        if api == "completions":
            yield less("unbiased", "whole", operation, plain | PENALTY)
        penalised = "unbiased" if api == "completions" else "whole"
        yield less("unpenalised", penalised, operation, plain)
        left = asked(api, served, OTHER, max_tokens=64, stream=True)
        yield Step("left", operation, left, "either", leaves=True)
        # what that does to one of the next three requests is to show in that one
        options = (row("stream-options-type"), row("include-usage-accepted"))
        yield step("with_usage", *options, stream_options=usage)
        scored: dict[str, Any] = {"logprobs": True if api == "chat" else 1}
        listed = scored if served.offers("logprobs") else {}
        # refused may be its stop strings, or that it is a stream
        yield _later(api, "streamed", feinted, like="whole")
        yield _later(api, "line", line(body | listed), like="whole", wants=LINES)
        last = step(
            "continuous", row("continuous-usage-accepted"), stream_options=continuous
        )
        yield replace(last, together=True)

        if served.offers("n") and served.offers("logprobs"):
            # what another stream says is not to come in these
            other = drawn_stream(api, served)
            yield Step("other", operation, other, shared=True, together=True)

        def stopped(answers: Answers) -> Any:
            stops = _striking(api, answers["whole"], p["after"])
            return stream | {"stop": stops, "stream_options": usage} if stops else None

        # not asked for: a usage that comes along all the same is another row's matter
        unasked = stream | {"stream_options": {"include_usage": False}}
        for label, later, wants in (
            ("stopped", stopped, LENGTH),
            ("line_streamed", line(unasked | listed), LINES),
        ):
            made = _later(api, label, later, like="whole", wants=wants)
            yield replace(made, together=True)

    return streams
