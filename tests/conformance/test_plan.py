"""The plan: pure, seeded, cached, and only ever cut."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import toys
from hypothesis import strategies as st

from aios_conformance import conformance
from aios_conformance.conformance.options.values import (
    OptionError,
    RunOptions,
    SuiteError,
)
from aios_conformance.conformance.planning import plan as plans
from aios_conformance.conformance.planning import plan_cache
from aios_conformance.conformance.planning.plan import Plan, assemble, drawn, plan
from aios_conformance.conformance.planning.plan_cache import _SOURCES, PlanCache
from aios_conformance.conformance.terms.catalogue import Catalogue, catalogue
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.probe import (
    Draws,
    Params,
    Probe,
    Served,
    Step,
    probe,
)


@pytest.fixture
def options(plan_cache: Path) -> RunOptions:
    return RunOptions("http://h", cache_dir=plan_cache)


@pytest.fixture
def own(tmp_path: Path) -> RunOptions:
    """With a cache that nobody else sees."""
    return RunOptions("http://h", cache_dir=tmp_path / "cache")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    known = toys.catalogue()
    monkeypatch.setattr(plans, "catalogue", lambda _: known)
    return known


def with_probe(monkeypatch: pytest.MonkeyPatch, *probes: Probe) -> None:
    known = toys.catalogue(probes)
    monkeypatch.setattr(plans, "catalogue", lambda _: known)


def names(planned: Plan) -> list[tuple[str, int]]:
    return [scenario.name for scenario in planned.scenarios]


# --- the real catalogue ------------------------------------------------------------


@pytest.mark.parametrize("preset", ["smoke", "standard"])
def test_two_plans_are_the_same(options: RunOptions, preset: str) -> None:
    chosen = replace(options, preset=preset)  # type: ignore[arg-type]
    uncached = replace(chosen, cache_dir=None)
    first, cached, again = plan(chosen), plan(chosen), plan(uncached)
    for other in (cached, again):
        assert names(other) == names(first)
        assert [s.params for s in other.scenarios] == [
            s.params for s in first.scenarios
        ]
        assert other.summary == first.summary


def test_what_has_an_api_to_itself_asks_no_other(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of several APIs are played at once, and would disturb each other.

    Only the first draw of a probe is played so, in any preset.
    """
    probes = [p for p in catalogue().probes.values() if p.draws.deep]
    once = [replace(p, draws=Draws(1, 1, 1)) for p in probes]
    known = replace(catalogue(), probes={p.name: p for p in once})
    monkeypatch.setattr(plans, "catalogue", lambda _: known)
    planned = plan(replace(options, cache_dir=None))
    assert {s.probe.name for s in planned.scenarios} == {p.name for p in probes}
    alone = [s for s in planned.scenarios if s.is_alone]
    assert alone
    assert all(s.apis == {s.probe.api} for s in alone)


def test_another_seed_is_another_draw(options: RunOptions) -> None:
    options = replace(options, preset="smoke")
    one, two = plan(options), plan(replace(options, seed=1))
    assert [s.params for s in one.scenarios] != [s.params for s in two.scenarios]
    assert sorted(names(one)) == sorted(names(two))


def test_smoke_is_within_its_budget(options: RunOptions) -> None:
    summary = plan(replace(options, preset="smoke")).summary
    assert 0 < summary.requests <= 60


def test_standard_is_within_its_budget(options: RunOptions) -> None:
    summary = plan(options).summary
    assert summary.requests <= 500
    assert summary.completion_tokens <= 8_000
    assert sum(summary.by_operation.values()) == summary.requests
    assert sum(summary.by_probe.values()) == summary.requests


@pytest.mark.parametrize(
    "row", ["RERANK-SEM-006", "META-001", "COMMON-RES-005", "SCORE-REQ-004"]
)
def test_a_selection_is_a_part_of_the_same_plan(options: RunOptions, row: str) -> None:
    whole = plan(options)
    part = plan(options, frozenset({row}))
    assert part.summary.requests <= whole.summary.requests
    wanted = [name for name in names(whole) if name in set(names(part))]
    assert names(part) == wanted
    params = {s.name: s.params for s in whole.scenarios}
    assert all(params[s.name] == s.params for s in part.scenarios)


@pytest.mark.parametrize(
    ("row", "apis"),
    [
        ("RERANK-SEM-006", {"rerank", "score", "embeddings"}),
        ("CHAT-RES-001", {"chat"}),  # judged by the whole record
        ("EMB-ERR-003", {"rerank", "score", "embeddings"}),  # and by every mistake
    ],
)
def test_a_row_needs_only_what_is_sent_to_its_apis(
    options: RunOptions, row: str, apis: set[str]
) -> None:
    part = plan(options, frozenset({row}))
    assert {api for s in part.scenarios for api in s.apis} <= apis


def test_the_early_ones_touch_every_api(options: RunOptions) -> None:
    early = plan(options).scenarios[:10]
    assert {s.probe.api for s in early} == {
        "rerank",
        "score",
        "embeddings",
        "chat",
        "completions",
    }


# --- toys --------------------------------------------------------------------------


@pytest.mark.usefixtures("toy")
def test_presets_say_how_much(own: RunOptions) -> None:
    smoke = plan(replace(own, preset="smoke"))
    assert sorted(names(smoke)) == [("toy.count", 0), ("toy.refused", 0)]
    standard = plan(own)
    assert sum(name == "toy.count" for name, _ in names(standard)) == 3
    assert ("toy.refused", 1) in names(standard)


@pytest.mark.usefixtures("toy")
def test_shared_requests_count_once(own: RunOptions) -> None:
    # 3 counted, 2 for the later body, 2 mutants and 1 valid neighbour, 3 paths
    assert plan(own).summary.requests == 11


def test_spare_requests_are_counted_apart(
    own: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    @probe("toy.spare", "rerank")
    def sparing(_: Params, served: Served) -> Iterator[Step]:
        yield Step("one", toys.RERANK, toys.body(served))
        yield Step("two", toys.RERANK, lambda _: None, spare=True, prompt_tokens=1000)

    with_probe(monkeypatch, sparing)
    summary = plan(own).summary
    assert (summary.requests, summary.spare_requests) == (1, 1)
    assert summary.prompt_tokens > 1000


@pytest.mark.usefixtures("toy")
def test_first_draws_go_first(own: RunOptions) -> None:
    draws = [draw for _, draw in names(plan(own))]
    assert draws == sorted(draws)


def test_last_ones_go_last(own: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    @probe("toy.hard", "rerank")
    def hard(_: Params, served: Served) -> Iterator[Step]:
        yield Step("x", toys.RERANK, toys.body(served), last=True)

    with_probe(monkeypatch, hard, *toys.PROBES)
    assert names(plan(own))[-1] == ("toy.hard", 0)


def test_apis_take_turns(own: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    score = replace(toys.counted, name="toy.score", api="score")
    with_probe(monkeypatch, toys.counted, score)
    assert [name for name, _ in names(plan(own))] == ["toy.count", "toy.score"] * 3


@pytest.mark.usefixtures("toy")
def test_an_absent_api_takes_its_probes_away(own: RunOptions) -> None:
    absent = {"rerank": "the rerank API is absent"}
    planned = assemble(own, drawn(own), absent=absent)  # type: ignore[arg-type]
    assert planned.scenarios == ()
    dropped = planned.dropped["toy.paths"]
    assert dropped.reason == "the rerank API is absent"
    assert "RERANK-REQ-003" in dropped.serves


def test_what_the_vendor_does_not_claim_is_not_asked_for(
    own: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    needy = replace(toys.counted, name="toy.needy", needs=("tools",))
    with_probe(monkeypatch, toys.counted, needy)
    planned = plan(replace(own, without=("tools",)))
    assert {name for name, _ in names(planned)} == {"toy.count"}
    assert planned.dropped["toy.needy"].reason == "--without tools"


def test_served_models_stand_in_the_bodies(options: RunOptions) -> None:
    facts = Facts(models={"rerank": "mine"})
    planned = assemble(options, drawn(options), facts=facts)
    steps = [step for s in planned.scenarios for step in s.steps]
    bodies = [step.body for step in steps if step.operation == toys.RERANK]
    assert any(isinstance(b, dict) and b.get("model") == "mine" for b in bodies)


@pytest.mark.parametrize(
    "change",
    [{"apis": ("chats",)}, {"without": ("magic",)}, {"dialect": "klingon"}],
    ids=str,
)
def test_unknown_names_are_told_with_the_valid_ones(
    own: RunOptions, change: dict[str, object]
) -> None:
    with pytest.raises(OptionError) as caught:
        plan(replace(own, **change))  # type: ignore[arg-type]
    assert "unknown" in str(caught.value)
    assert "valid are" in caught.value.hint


# --- probes that cannot be right ---------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([Step("a", toys.RERANK, {}), Step("a", toys.RERANK, {})], "same label"),
        ([Step("a", toys.RERANK, {}, serves=("NO-ROW-001",))], "unknown"),
        ([Step("a", toys.RERANK, {}, serves=("COMMON-REQ-016",))], "a MAY row"),
    ],
)
def test_a_wrong_probe_is_our_error(
    own: RunOptions,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[Step],
    message: str,
) -> None:
    @probe("toy.wrong", "rerank")
    def wrong(_: Params, served: Served) -> Iterator[Step]:
        yield from steps

    with_probe(monkeypatch, wrong)
    with pytest.raises(SuiteError, match=message):
        plan(own)


def test_a_probe_that_raises_is_our_error(
    own: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    @probe("toy.wrong", "rerank", params=st.just({"a": 1}))
    def wrong(p: Params, served: Served) -> Iterator[Step]:
        yield Step(p["b"], toys.RERANK, {})

    with_probe(monkeypatch, wrong)
    with pytest.raises(SuiteError, match=r"toy\.wrong cannot be built from"):
        plan(own)


# --- the cache ---------------------------------------------------------------------


def cached(own: RunOptions) -> Path:
    assert own.cache_dir is not None
    (path,) = (own.cache_dir / "plans").iterdir()
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[:-5],
        lambda _: "[]",
        lambda _: '{"drawn": {}}',
        lambda text: json.dumps(json.loads(text) | {"drawn": {"toy.count": [1]}}),
        lambda text: text.replace("toy.count", "toy.other"),
    ],
    ids=range(6),
)
@pytest.mark.usefixtures("toy")
def test_a_wrong_cache_is_silently_rebuilt(
    own: RunOptions, damage: Callable[[str], str]
) -> None:
    before = drawn(own)
    path = cached(own)
    text = path.read_text()
    path.write_text(damage(text))
    assert drawn(own) == before
    assert cached(own).read_text() == text


@pytest.mark.usefixtures("toy")
def test_an_unwritable_cache_is_passed_over(own: RunOptions, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    assert drawn(replace(own, cache_dir=file)) == drawn(own)


@pytest.mark.usefixtures("toy")
def test_a_cached_plan_is_not_drawn_again(
    own: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn(own)
    monkeypatch.setattr(plans, "draw", lambda *_: pytest.fail("drawn again"))
    assert drawn(own) == before


def test_what_a_draw_is_made_of_is_found() -> None:
    home = Path(conformance.__file__).parent
    assert all(any(home.glob(pattern)) for pattern in _SOURCES)


def test_seeds_and_presets_are_cached_apart(tmp_path: Path) -> None:
    one = PlanCache(tmp_path, "aios", "standard", 0)
    one.store({"a": [1]})
    assert one.load({"a": 1}) == {"a": [1]}
    assert PlanCache(tmp_path, "aios", "standard", 1).load({"a": 1}) is None
    assert PlanCache(tmp_path, "aios", "smoke", 0).load({"a": 1}) is None
    assert PlanCache(tmp_path, "infinity", "standard", 0).load({"a": 1}) is None
    assert PlanCache(None, "aios", "standard", 0).load({"a": 1}) is None


@pytest.mark.parametrize("pattern", plan_cache._SOURCES)
def test_a_cached_plan_stands_on_sources_that_are_there(pattern: str) -> None:
    home = Path(plan_cache.__file__).parents[1]
    assert list(home.glob(pattern))
