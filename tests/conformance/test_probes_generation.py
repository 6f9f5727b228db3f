"""What chat and completions are asked: right, wrong, and within its share."""

from typing import Any

import orjson
import pytest
from generations import choice, refused, said

from aios_conformance.conformance.observing.selfcheck import suite_fault
from aios_conformance.conformance.planning.drawing import draw
from aios_conformance.conformance.planning.plan import capabilities
from aios_conformance.conformance.probes import chat, completions
from aios_conformance.conformance.probes.sampling import SEEDS
from aios_conformance.conformance.probes.stop_strings import end_of, stop_within
from aios_conformance.conformance.terms import catalogue
from aios_conformance.conformance.terms.cost import Cost, ceilings
from aios_conformance.conformance.terms.exchange import Api, Facts
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step
from aios_conformance.conformance.terms.requests import content_key
from aios_conformance.conformance.terms.said import text_of
from aios_conformance.spec import Level, api_of, requirements

PROBES: dict[Api, tuple[Probe, ...]] = {
    "chat": chat.PROBES,
    "completions": completions.PROBES,
}
BOTH: tuple[Api, ...] = ("chat", "completions")
SERVED = Served(Facts(models={"chat": "m", "completions": "m"}))
REQUESTS = 229  # both APIs together
TOKENS = 7_000
SMOKE = 20
MORE_SEEDS = {f"hot_{seed}" for seed in SEEDS[2:]}


def _params(probe: Probe, preset: str) -> list[Params]:
    count = getattr(probe.draws, preset)
    if not count:
        return []
    if probe.made is not None:
        return list(probe.made(preset, 0, capabilities(catalogue.catalogue())))
    return list(probe.rows[:count]) or draw(probe.name, probe.params, count, 0)


def _scenarios(api: Api, preset: str) -> list[tuple[Probe, list[Step]]]:
    return [
        (probe, list(probe.build(params, SERVED)))
        for probe in PROBES[api]
        for params in _params(probe, preset)
    ]


def _sent(api: Api, preset: str) -> list[tuple[Step, Cost]]:
    """The steps that are sent, equal ones once where they may be shared."""
    seen: set[bytes] = set()
    sent = []
    for _, steps in _scenarios(api, preset):
        for step, cost in zip(steps, ceilings(tuple(steps)), strict=True):
            if step.narrows:
                continue
            if not step.shared or content_key(step) not in seen:
                seen.add(content_key(step))
                sent.append((step, cost))
    return sent


def test_a_run_keeps_to_its_share() -> None:
    sent = [pair for api in BOTH for pair in _sent(api, "standard")]
    # seeds beyond the second are only tried on a target that ignores them
    usual = [step for step, _ in sent if step.label not in MORE_SEEDS]
    assert len(usual) <= REQUESTS
    assert sum(cost.completion for _, cost in sent) <= TOKENS


@pytest.mark.parametrize("api", BOTH)
def test_smoke_is_short(api: Api) -> None:
    assert len(_sent(api, "smoke")) <= SMOKE


@pytest.mark.parametrize("api", BOTH)
def test_relations_are_drawn_often_in_deep(api: Api) -> None:
    for probe in PROBES[api]:
        if not probe.rows and probe.draws.deep > 10:
            assert len(_params(probe, "deep")) >= min(20, probe.draws.deep)


@pytest.mark.parametrize("api", BOTH)
def test_requests_are_what_they_claim_to_be(api: Api) -> None:
    for probe, steps in _scenarios(api, "standard"):
        for step in steps:
            if not callable(step.body):
                wrong = suite_fault("aios", step, orjson.dumps(step.body))
                assert wrong is None, (probe.name, step.label, wrong)


@pytest.mark.parametrize("api", BOTH)
def test_every_request_has_a_limit_but_those_that_are_sent_as_printed(api: Api) -> None:
    for probe, steps in _scenarios(api, "standard"):
        for step in steps if probe.name != f"{api}.printed" else ():
            if not callable(step.body) and step.expect != "refuse":
                limits = {"max_tokens", "max_completion_tokens"} & step.body.keys()
                assert limits, (probe.name, step.label)


@pytest.mark.parametrize("api", BOTH)
def test_several_choices_are_never_greedy(api: Api) -> None:
    for probe, steps in _scenarios(api, "standard"):
        for step in steps:
            body: Any = {} if callable(step.body) else step.body
            if (body.get("n") or 1) > 1:
                assert body.get("temperature", 1) > 0, (probe.name, step.label)


@pytest.mark.parametrize("api", BOTH)
def test_every_row_is_served_or_declared(api: Api) -> None:
    known = catalogue.catalogue()
    served = {
        row
        for probe in known.probes.values()
        for params in _params(probe, "standard")
        for step in probe.build(params, SERVED)
        for row in step.serves
    }
    declared = {row for check in known.checks for row in (*check.ids, *check.names)}
    shaped = {r.id for r in requirements() if "-RES-" in r.id}
    without_limit = {"CHAT-SEM-023", "COMP-SEM-006"}  # never sent
    for row in requirements():
        is_ours = row.api == api or (
            row.id.startswith("META-") and api in map(api_of, row.operations)
        )
        if is_ours and not row.excluded:
            assert row.id in served | declared | shaped | without_limit, row.id


@pytest.mark.parametrize("api", BOTH)
def test_every_must_and_should_row_can_be_told_apart_by_its_probe(api: Api) -> None:
    own = {row.id: row.level for row in requirements() if row.api == api}
    for _, steps in _scenarios(api, "standard"):
        for step in steps:
            for row in step.serves:
                assert own.get(row, Level.MUST) is not Level.MAY


def _probe(api: Api, name: str) -> Probe:
    return next(p for p in PROBES[api] if p.name == f"{api}.{name}")


def _steps(api: Api, name: str) -> dict[str, Step]:
    probe = _probe(api, name)
    (params, *_) = _params(probe, "standard")
    return {step.label: step for step in probe.build(params, SERVED)}


def _made(step: Step, **answers: Any) -> Any:
    assert callable(step.body)
    return step.body(answers)


@pytest.mark.parametrize("api", BOTH)
def test_stop_strings_are_picked_from_the_plain_answer(api: Api) -> None:
    steps = _steps(api, "stops")
    plain = said(api, "The sea in winter is cold and grey and wide.")
    single = _made(steps["stopped"], plain=plain)
    several = _made(steps["stopped_by_list"], plain=plain)
    text = text_of(plain)
    assert text is not None
    assert single["stop"] in text
    assert single["stop"] in several["stop"][1:-1]  # neither the first nor the last
    assert len(several["stop"]) == 4
    # the first is in the text as well, and later
    assert text.index(several["stop"][0]) > text.index(single["stop"])
    never = _made(steps["never_stopped"], plain=plain)["stop"]
    assert never not in text
    assert any(text.endswith(never[:length]) for length in range(3, len(never)))
    assert _made(steps["stopped"], plain=refused(api)) is None
    assert _made(steps["stopped"], plain=said(api, "")) is None


def test_a_stop_string_is_inside_the_text_and_spans_words() -> None:
    text = "one two three four"
    assert [stop_within(text, after) for after in (1, 2, 3)] == ["o t", "e f", "e f"]
    assert stop_within("a a a") == "a a"


def test_streams_are_stopped_before_another_stop_string_and_beyond_ascii() -> None:
    for api in BOTH:
        text = "A view of u and Zürich again, und Köln."
        made = _made(_steps(api, "streams")["stopped"], whole=said(api, text))
        later, twin, stop = made["stop"]
        assert text.index(later) > text.index(stop)
        assert twin.startswith(stop)
        assert twin not in text
        assert ("ü" in stop) is (api == "completions")
        assert made["stream_options"] == {"include_usage": True}
    plain = said("completions", "a b c d e f")
    assert _made(_steps("completions", "streams")["stopped"], whole=plain)["stop"]


@pytest.mark.parametrize(
    ("probe", "step", "first"),
    [("stops", "stopped_by_list", "plain"), ("streams", "stopped", "whole")],
)
def test_a_stop_string_that_comes_later_is_in_no_thought(
    probe: str, step: str, first: str
) -> None:
    def stops(thought: str) -> Any:
        thinking = choice("chat", "one two three four", reasoning_content=thought)
        made = _made(_steps("chat", probe)[step], **{first: said("chat", thinking)})
        return made["stop"]

    later = stops("")[0]
    assert stops("five")[0] == later
    assert later not in stops(f"Is it {later}?")


def test_a_text_ends_with_what_it_holds_nowhere_else() -> None:
    assert [end_of(text) for text in ("sea", "the end", "aaa")] == ["a", "d", "aaa"]
    assert end_of("a sea") == "ea"
    assert end_of("") is end_of("cut \ufffd") is None


def test_a_conversation_goes_on_from_the_reply() -> None:
    steps = _steps("chat", "history")
    made = _made(steps["next"], first=said("chat", "Grey."))
    roles = [message["role"] for message in made["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert made["messages"][1]["content"] == "Grey."
    # that each token is the likeliest shows that what came before took no parameter
    assert (made["temperature"], made["top_logprobs"]) == (0, 1)
    assert _made(steps["next"], first=refused("chat")) is None


@pytest.mark.parametrize("api", BOTH)
def test_more_seeds_are_tried_only_while_texts_agree(api: Api) -> None:
    third = _steps(api, "spread")["hot_3"]
    same, other = said(api, "a"), said(api, "b")
    assert _made(third, hot_1=same, hot_2=same)["seed"] == 3
    assert _made(third, hot_1=same, hot_2=other, cold=same) is None


def test_a_batch_does_not_read_the_same_backwards() -> None:
    batch = _steps("completions", "batch")["batch"]
    sent = _made(batch, first=said("completions", "a"), second=said("completions", "a"))
    assert sent["prompt"] != sent["prompt"][::-1]


def test_a_tiny_top_p_is_asked_of_streams_too() -> None:
    for api in BOTH:
        narrow: Any = _steps(api, "spread")["narrow"].body
        assert narrow["stream"]
    # beside tools it is asked of a whole answer
    pushed: Any = _steps("chat", "tools")["pushed"].body
    assert pushed["top_p"] == narrow["top_p"]
    assert not pushed.get("stream")


def test_what_ends_one_text_of_a_batch_is_in_no_other() -> None:
    batch = _steps("completions", "batch")["batch"]

    def stop(first: str, second: str) -> Any:
        texts = {"first": first, "second": second}
        said_ = {label: said("completions", text) for label, text in texts.items()}
        return _made(batch, **said_).get("stop")

    assert stop("a grey sea", "a wide lake") == "y s"
    assert stop("a grey sea", "a grey sea") is None
    assert stop("", "") is None


@pytest.mark.parametrize("api", BOTH)
def test_limits_that_must_be_read_are_below_the_usual_default(api: Api) -> None:
    body: Any = _steps(api, "greedy")["new_limit"].body
    assert body["max_completion_tokens"] < 16
    assert "max_tokens" not in body


def test_a_long_text_stands_under_a_penalty_and_a_bias_whole_and_streamed() -> None:
    steps = _steps("completions", "streams")
    whole: Any = steps["whole"].body
    assert whole["frequency_penalty"] > 0
    usage = steps["with_usage"].body
    assert usage == whole | {"stream": True, "stream_options": {"include_usage": True}}
    no, yes = refused("completions"), said("completions", "a")
    less = _made(steps["unbiased"], whole=no)
    assert less | {"logit_bias": whole["logit_bias"]} == whole
    least = _made(steps["unpenalised"], whole=no, unbiased=no)
    assert least | {"frequency_penalty": whole["frequency_penalty"]} == less
    assert _made(steps["unbiased"], whole=yes) is None
    assert _made(steps["unpenalised"], whole=yes) is None


def test_a_refusal_beside_tools_is_asked_for_its_reason() -> None:
    steps = _steps("chat", "pushed")
    forced: Any = steps["forced"].body
    plain: Any = steps["plain"].body
    no = refused("chat")
    assert _made(steps["unscored"], forced=no) | {"logprobs": True} == forced
    alone = _made(steps["bias_alone"], forced=no)
    assert alone | {"stop": plain["stop"]} == plain | {
        "logit_bias": forced["logit_bias"]
    }
    banned: Any = steps["banned"].body
    assert _made(steps["unstopped"], banned=no) | {"stop": banned["stop"]} == banned
    assert _made(steps["bias_alone"], forced=said("chat", "a")) is None


@pytest.mark.parametrize("api", BOTH)
def test_a_lost_seed_is_told_from_another_default_where_penalties_differ(
    api: Api,
) -> None:
    steps = _steps(api, "seeds")
    zeros: Any = {label: steps[label].body for label in ("frequency_0", "presence_0")}
    without = {k: v for k, v in zeros["frequency_0"].items() if "penalty" not in k}
    one, other = said(api, "a"), said(api, "b")
    for label in ("otherwise", "otherwise_again"):
        made = _made(steps[label], frequency_0=one, presence_0=other)
        assert made == without
        assert zeros["presence_0"] == without | {"presence_penalty": 0}
        assert _made(steps[label], frequency_0=one, presence_0=one) is None
    # they have the other form than the seeds beside them, and another temperature
    seeded: Any = steps["seeded"].body
    assert ("stream" in without) != ("stream" in seeded)
    assert without["temperature"] != seeded["temperature"]


@pytest.mark.parametrize("api", BOTH)
def test_the_very_same_is_asked_again_where_a_default_changes_a_text(api: Api) -> None:
    steps = _steps(api, "seeds")
    alike = dict.fromkeys(("seeded", "no_temperature", "no_top_p"), said(api, "a"))
    assert _made(steps["again"], **alike) is None
    other = alike | {"no_top_p": said(api, "b")}
    assert _made(steps["again"], **other) == steps["seeded"].body
    assert _made(steps["again"], **(alike | {"no_temperature": refused(api)}))
    # in the company that the others had: it may have changed their texts
    assert _made(steps["seedless_again"], **alike) is None
    assert _made(steps["seedless_again"], **other) == steps["seedless"].body
    both = [steps[label] for label in ("again", "seedless_again")]
    assert all(step.together for step in both)
    assert not steps["otherwise_again"].together  # they are not sent with the others


def test_a_reply_of_a_conversation_has_what_those_of_the_server_have() -> None:
    spoken = _steps("chat", "greedy")["spoken"]
    plain = said("chat", choice("chat", "Blue.", tool_calls=[]))
    turns = _made(spoken, plain=plain)["messages"]
    assert [turn["tool_calls"] for turn in turns if turn["role"] == "assistant"] == [[]]
    assert all(turn["content"] for turn in turns)
    bare = _made(spoken, plain=refused("chat"))["messages"]
    assert not any("tool_calls" in turn for turn in bare)
