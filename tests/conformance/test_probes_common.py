"""What the probes of all APIs send is what they say, and stays within its share."""

import json
from typing import Any

import orjson
import pytest
from exchanges import exchange

from aios_conformance.conformance.observing.selfcheck import breach, suite_fault
from aios_conformance.conformance.planning.drawing import draw
from aios_conformance.conformance.probes import common, robustness
from aios_conformance.conformance.probes.bodies import OPERATION, REQUIRED, valid
from aios_conformance.conformance.terms.exchange import Api, Exchange, Facts
from aios_conformance.conformance.terms.probe import Probe, Served, Step
from aios_conformance.conformance.terms.requests import body_bytes, content_key
from aios_conformance.spec import Level, apis, requirement

APIS = common.APIS
SERVED = Served(Facts(models=dict.fromkeys(APIS, "served")))
PROBES = (*common.PROBES, *robustness.PROBES)


def scenarios(probe: Probe, preset: str = "standard") -> list[list[Step]]:
    count = getattr(probe.draws, preset)
    rows = probe.rows[:count] or draw(probe.name, probe.params, count, 0)
    return [list(probe.build(params, SERVED)) for params in rows]


def body(step: Step) -> Any:
    """The body of a step that is not made from answers."""
    assert not callable(step.body)
    return step.body


def sent(step: Step) -> bytes | None:
    if step.raw is not None:
        return step.raw
    return None if step.body is None else body_bytes(step.body)


EVERY = [(probe, steps) for probe in PROBES for steps in scenarios(probe, "deep")]


def test_a_step_is_what_it_claims() -> None:
    def is_true(step: Step) -> bool:
        return (
            suite_fault("aios", step, sent(step)) is None
            and all(requirement(row).level is not Level.MAY for row in step.serves)
            and (step.expect == "refuse") == bool(step.breaks)
        )

    untrue = [
        f"{probe.name}: {step.label}"
        for probe, steps in EVERY
        for step in steps
        if not callable(step.body) and not is_true(step)
    ]
    assert untrue == []


def test_every_refused_step_has_an_accepted_neighbour() -> None:
    lonely = [
        probe.name
        for probe, steps in EVERY
        if {step.expect for step in steps} & {"refuse", "accept"} == {"refuse"}
    ]
    assert lonely == []


@pytest.mark.parametrize("api", APIS)
def test_the_smallest_body_has_the_required_members_and_a_limit(api: Api) -> None:
    smallest = valid(api, SERVED)
    assert breach("aios", OPERATION[api], body_bytes(smallest)) is None
    assert {*REQUIRED[api]} == smallest.keys() - {"max_tokens"}
    assert ("max_tokens" in smallest) == (api in ("chat", "completions"))
    for name in REQUIRED[api]:
        rest = {key: value for key, value in smallest.items() if key != name}
        assert breach("aios", OPERATION[api], body_bytes(rest)) is not None


def test_there_is_no_smallest_body_of_models() -> None:
    with pytest.raises(KeyError, match="models"):
        valid("models", SERVED)


@pytest.mark.parametrize(
    ("api", "field"),
    [(api, field) for api in APIS for field in REQUIRED[api]],
)
def test_each_ticked_field_is_left_out_once(api: Api, field: str) -> None:
    (probe,) = (p for p in PROBES if p.name == f"common.ticked.{api}")
    bodies = [body(steps[1]) for steps in scenarios(probe)]
    assert sum(field not in one for one in bodies) == 1


@pytest.mark.parametrize("api", common.SPELT)
def test_respelt_json_is_the_same_json_in_other_bytes(api: Api) -> None:
    (probe,) = (p for p in PROBES if p.name == f"common.spelling.{api}")
    ((plain, respelt),) = scenarios(probe)
    assert respelt.raw is not None
    assert orjson.loads(respelt.raw) == body(plain)
    assert respelt.raw != body_bytes(body(plain))
    assert b"\\u00" in respelt.raw
    assert list(orjson.loads(respelt.raw)) == list(reversed(body(plain)))


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_null_stands_for_every_field_of_its_kind(api: Api) -> None:
    (probe,) = (p for p in PROBES if p.name == f"common.nulls.{api}")
    ((omitted, null, unset),) = scenarios(probe)
    printed: dict[str, Any] = dict.fromkeys(common.NULL_DEFAULTS[api])
    assert body(null) == body(omitted) | printed
    # a null beside a wish that it must not lose
    wish = {"logprobs"} if api == "chat" else set()
    added = body(unset).keys() - body(omitted).keys()
    assert added == wish | {*common.UNSET_DEFAULTS[api]}
    if api == "completions":  # of two limits one is null
        assert body(unset)["max_tokens"] is None
        limit = body(omitted)["max_tokens"]
        assert body(unset)["max_completion_tokens"] == limit


@pytest.mark.parametrize("api", APIS)
def test_what_other_probes_have_refused_comes_before_the_same_request(api: Api) -> None:
    (probe,) = (p for p in PROBES if p.name == f"common.after_error.{api}")
    (steps,) = scenarios(probe)
    opening, before, *refusals, nameless, after, settled = steps
    assert opening.alone
    assert {step.expect for step in (*refusals, nameless)} == {"refuse"}
    assert body(opening) == body(before) == body(after)
    assert after.serves == ("META-119",)
    assert not after.shared
    before_it = [body(step) for step in refusals if step.raw is None]
    if api == "chat":  # once more what has been refused
        assert body(nameless) in before_it
        assert not nameless.shared
    else:
        assert body(nameless) == {k: v for k, v in body(after).items() if k != "model"}
        assert body(nameless) not in before_it
        assert nameless.shared
    elsewhere = {
        content_key(step)
        for other in PROBES
        if other is not probe
        for drawn in scenarios(other)
        for step in drawn
        if step.shared
    }
    assert {content_key(step) for step in refusals} <= elsewhere
    assert len({step.breaks for step in refusals}) >= 5
    assert settled.spare


def test_another_answer_after_a_refusal_is_asked_for_once_more() -> None:
    (probe,) = (p for p in PROBES if p.name == "common.after_error.score")
    (steps,) = scenarios(probe)
    assert callable(steps[-1].body)

    def said(score: float) -> Exchange:
        return exchange("score", body(steps[0]), {"data": [{"score": score}]})

    same = {"before": said(0.5), "after": said(0.5)}
    assert steps[-1].body(same) is None
    assert steps[-1].body(same | {"after": said(0.6)}) == body(steps[0])
    crashed = exchange("score", {}, {"error": "no"}, status=500)
    assert steps[-1].body(same | {"after": crashed}) is None


# --- hostile bodies ----------------------------------------------------------------


@pytest.mark.parametrize("kind", robustness.KINDS)
@pytest.mark.parametrize("api", APIS)
def test_what_must_be_refused_is_no_json_object(api: Api, kind: str) -> None:
    _, hostile = robustness.steps(api, kind, SERVED)
    assert hostile.raw is not None
    if hostile.expect == "refuse":
        try:
            assert not isinstance(orjson.loads(hostile.raw), dict)
        except orjson.JSONDecodeError:
            assert apis()[api].row("ERR-001") in hostile.serves
    else:
        assert hostile.serves == ()


@pytest.mark.parametrize("api", APIS)
def test_lenient_parsers_find_what_is_hostile(api: Api) -> None:
    """A body is spoilt at one place: the rest of it is the valid body."""
    for kind in ("nan", "huge number", "overflow", "twice", "lone surrogate"):
        _, hostile = robustness.steps(api, kind, SERVED)
        assert hostile.raw is not None
        parsed = json.loads(hostile.raw)
        changed = {k for k, v in valid(api, SERVED).items() if parsed.get(k) != v}
        added = parsed.keys() - valid(api, SERVED).keys()
        assert len(changed | added) == 1, kind


def test_every_kind_reaches_every_api_in_deep_and_some_api_in_standard() -> None:
    for api in APIS:
        assert len(robustness.STANDARD[api]) >= 2
        names = (f"common.hostile.{api}", f"common.hostile_too.{api}")
        sent = {
            steps[1].raw
            for probe in PROBES
            if probe.name in names
            for steps in scenarios(probe, "deep")
            if steps
        }
        assert len(sent) == len(robustness.known(api))
    assert {kind for kinds in robustness.STANDARD.values() for kind in kinds} <= {
        *robustness.KINDS
    }
    assert all(robustness.EVERYWHERE in kinds for kinds in robustness.STANDARD.values())


# --- the budget --------------------------------------------------------------------


@pytest.mark.parametrize(("preset", "most"), [("smoke", 30), ("standard", 90)])
def test_the_common_probes_stay_within_their_share(preset: str, most: int) -> None:
    alone: set[bytes] = set()
    count = 0
    for probe in PROBES:
        for steps in scenarios(probe, preset):
            for step in steps:
                key = content_key(step)
                count += not (step.shared and key in alone)
                if step.shared:
                    alone.add(key)
    assert count <= most


@pytest.mark.parametrize("api", APIS)
def test_who_is_asked_alone_is_sent_what_others_show_for_it(api: Api) -> None:
    alone = Served(SERVED.facts, apis=(api,))
    bodies = {
        step.raw
        for probe in PROBES
        if probe.name in (f"common.body.{api}", f"common.hostile.{api}")
        for kind in probe.rows
        for step in probe.build(kind, alone)
    }
    shown = {kind for kind in robustness.known(api) if robustness.SHOWS[kind]}
    hostile = {robustness.KINDS[k].raw(api, valid(api, SERVED)) for k in shown}
    assert bodies == {None} | hostile | {raw.encode() for raw in common.OTHER_JSON}
