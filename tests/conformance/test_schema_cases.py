"""Drawn bodies are promises, their mutants break one rule, and both are plain JSON."""

import json
import subprocess
import sys
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from aios_conformance.conformance.observing.selfcheck import suite_fault
from aios_conformance.conformance.planning.drawing import draw
from aios_conformance.conformance.probes.mutants import request_schema
from aios_conformance.conformance.probes.schema_cases import PROBES, VARIANTS, fit
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.probe import Probe, Served
from aios_conformance.conformance.terms.requests import body_bytes
from aios_conformance.spec import requirements

NAMED = {variant.name: variant for variant in VARIANTS}
SERVED = Served(Facts(models=dict.fromkeys((v.api for v in VARIANTS), "served")))
FEW = 8


@cache
def drawn(probe: Probe) -> list[Any]:
    return draw(probe.name, probe.params, FEW, 0)


def each(*, of: str = "") -> pytest.MarkDecorator:
    chosen = [probe for probe in PROBES if of in probe.name]
    return pytest.mark.parametrize("probe", chosen, ids=lambda p: p.name)


# --- what is drawn -----------------------------------------------------------------


@each()
def test_a_case_is_a_valid_body_and_a_mutant_of_it(probe: Probe) -> None:
    known = {row.id for row in requirements()}
    for params in drawn(probe):
        valid, mutant = probe.build(params, SERVED)
        assert suite_fault("aios", valid, body_bytes(valid.body)) is None
        assert suite_fault("aios", mutant, body_bytes(mutant.body)) is None
        assert (valid.expect, valid.serves) == ("accept", ())
        assert mutant.expect == "refuse"
        assert mutant.serves
        assert {*mutant.serves} <= known
        assert mutant.breaks.startswith("/")


@each()
def test_parameters_are_plain_json_without_a_model(probe: Probe) -> None:
    for params in drawn(probe):
        assert json.loads(json.dumps(params)) == params
        assert "model" not in params["body"]


@each()
def test_bodies_name_the_served_model(probe: Probe) -> None:
    for params in drawn(probe):
        valid, mutant = probe.build(params, SERVED)
        sent: Any = valid.body
        assert sent["model"] == "served"
        broken: Any = mutant.body
        if params["mutant"]["at"] != ["model"]:
            assert broken["model"] == "served"


@each()
def test_members_that_need_a_capability_are_those_of_the_probe(probe: Probe) -> None:
    variant = NAMED[probe.name]
    assert set(variant.needs) == set(probe.needs)
    members = request_schema("aios", variant.schema).node["properties"]
    for params in drawn(probe):
        used = {*params["body"], params["mutant"]["at"][0]} - {"model"}
        needed = {members[name].get("x-needs") for name in used} - {None}
        assert needed <= {*probe.needs}


@each(of="chat")
def test_conversations_alternate_and_end_with_the_user(probe: Probe) -> None:
    for params in drawn(probe):
        roles = [turn["role"] for turn in params["body"]["messages"]]
        assert roles[-1] == "user"
        assert all(one != other for one, other in pairwise(roles))


@each(of="co")
def test_generation_is_limited(probe: Probe) -> None:
    for params in drawn(probe):
        body = params["body"]
        limits = body.keys() & {"max_tokens", "max_completion_tokens"}
        if NAMED[probe.name].api in ("chat", "completions"):
            (name,) = limits
            assert 1 <= body[name] <= 4
            assert body.get("n", 1) <= 3
            assert body.get("stream", False) == NAMED[probe.name].stream


@each()
def test_the_same_seed_draws_the_same_cases(probe: Probe) -> None:
    assert draw(probe.name, probe.params, FEW, 0) == drawn(probe)


def test_deep_alone_draws() -> None:
    assert not any(v.draws[0] or v.draws[1] for v in VARIANTS)
    assert sum(v.draws[2] for v in VARIANTS) >= 400


# --- fitting members to each other -------------------------------------------------

CHAT = {"messages": [{"role": "assistant", "content": "a"}], "max_tokens": 3}
STREAMED = NAMED["chat.drawn.streamed"]


@pytest.mark.parametrize(
    ("name", "body", "fitted"),
    [
        (
            "rerank.drawn",
            {"documents": ["a"], "top_n": 3.0},
            {"documents": ["a"], "top_n": 1},
        ),
        (
            "score.drawn",
            {"text_1": ["a", "b"], "text_2": ["c"]},
            {"text_1": ["a"], "text_2": ["c"]},
        ),
        (
            "score.drawn",
            {"text_1": ["a", "b"], "text_2": "c"},
            {"text_1": "a", "text_2": "c"},
        ),
        ("embeddings.drawn", {"input": "a", "model": "x"}, {"input": "a"}),
        ("completions.drawn", {"prompt": "a"}, {"prompt": "a", "max_tokens": 4}),
        (
            "completions.drawn",
            {"prompt": "a", "max_tokens": 1, "max_completion_tokens": 2},
            {"prompt": "a", "max_completion_tokens": 2},
        ),
        (
            "completions.drawn.able",
            {"prompt": "a", "max_tokens": 1, "echo": True, "logprobs": 2},
            {"prompt": "a", "max_tokens": 1, "logprobs": 2},
        ),
        (
            "completions.drawn.able",
            {"prompt": "a", "max_tokens": 1, "n": 2, "temperature": 0.1},
            {"prompt": "a", "max_tokens": 1, "n": 2, "temperature": 0.7},
        ),
        (
            "completions.drawn",
            {"prompt": "a", "max_tokens": 1, "top_p": 0.123456, "temperature": -0.0001},
            {"prompt": "a", "max_tokens": 1, "top_p": 0.123, "temperature": 0},
        ),
    ],
)  # fmt: skip
def test_members_are_fitted(name: str, body: Any, fitted: Any) -> None:
    assert fit(NAMED[name], body) == fitted


@pytest.mark.parametrize(
    ("drawn", "gone"),
    [
        ({"top_logprobs": 2, "logprobs": False}, {"top_logprobs"}),
        ({"tool_choice": "auto"}, {"tool_choice"}),
        ({"stream": True, "stream_options": {}}, {"stream", "stream_options"}),
    ],
)
def test_members_that_others_put_in_doubt_are_dropped(drawn: Any, gone: Any) -> None:
    fitted = fit(NAMED["chat.drawn.able"], CHAT | drawn)
    assert (CHAT | drawn).keys() - fitted.keys() == gone


def test_a_stream_keeps_its_options() -> None:
    fitted = fit(STREAMED, CHAT | {"stream_options": {"include_usage": True}})
    assert fitted["stream"] is True
    assert fitted["stream_options"] == {"include_usage": True}


def test_members_stand_in_the_order_of_the_contract() -> None:
    drawn = {"top_n": 1, "documents": ["a"], "query": "q"}
    assert list(fit(NAMED["rerank.drawn"], drawn)) == ["query", "documents", "top_n"]


def test_tools_of_one_name_are_one_tool() -> None:
    tools = [{"type": "function", "function": {"name": n}} for n in ("f", "g", "f")]
    fitted = fit(NAMED["chat.drawn.able"], CHAT | {"tools": tools})
    assert [tool["function"]["name"] for tool in fitted["tools"]] == ["f", "g"]


def test_fitting_leaves_the_drawn_body_alone() -> None:
    drawn = json.loads(json.dumps(CHAT))
    fit(STREAMED, drawn)
    assert drawn == CHAT


# --- being a good guest ------------------------------------------------------------


def test_a_kept_plan_needs_no_schemathesis() -> None:
    code = (
        "import sys, json\n"
        "from conformance.terms.exchange import Facts\n"
        "from conformance.terms.probe import Served\n"
        "from conformance.probes.schema_cases import PROBES\n"
        "named = {probe.name: probe for probe in PROBES}\n"
        "for name, params in json.load(sys.stdin):\n"
        "    list(named[name].build(params, Served(Facts())))\n"
        "assert 'schemathesis' not in sys.modules\n"
    )
    kept = json.dumps([(probe.name, drawn(probe)[0]) for probe in PROBES])
    subprocess.run([sys.executable, "-c", code], input=kept, text=True, check=True)


def test_hypothesis_still_prints_what_fails() -> None:
    """In a process of its own: another test may have imported schemathesis first."""
    code = (
        "import hypothesis.core as core\n"
        "from conformance.probes.schema_cases import Variant, bodies\n"
        "before = core.RepresentationPrinter\n"
        "bodies(Variant('rerank.fresh', (0, 0, 1)))\n"
        "import sys\n"
        "assert 'schemathesis' in sys.modules\n"
        "assert core.RepresentationPrinter is before\n"
        "assert before.__module__ == 'hypothesis.vendor.pretty'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
