"""The plan: everything that a run will send, known before its first byte.

A plan is pure and seeded. It is drawn for all APIs, in one order, whatever is
selected: a selection or an absent API only takes scenarios away, so that a verdict
never depends on what else was asked for.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest

from aios_conformance.conformance.options.values import (
    OptionError,
    RunOptions,
    SuiteError,
)
from aios_conformance.conformance.planning.drawing import draw, plain
from aios_conformance.conformance.planning.plan_cache import Drawn, PlanCache
from aios_conformance.conformance.planning.turns import taking_turns
from aios_conformance.conformance.terms.catalogue import Catalogue, catalogue
from aios_conformance.conformance.terms.cost import NOTHING, Cost, ceilings, subwords
from aios_conformance.conformance.terms.exchange import Api, Facts
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step
from aios_conformance.conformance.terms.requests import content_key
from aios_conformance.conformance.terms.result import PlanSummary
from aios_conformance.conformance.terms.scenario import Dropped, Scenario
from aios_conformance.conformance.terms.traceability import Traceability
from aios_conformance.spec import Level, ModelKind, model_apis


@dataclass(frozen=True)
class Plan:
    """The scenarios of a run in playing order, and what was left out and why."""

    catalogue: Catalogue
    preset: str
    seed: int
    scenarios: tuple[Scenario, ...]
    dropped: Mapping[str, Dropped] = field(default_factory=dict)  # by probe
    selection: Collection[str] | None = None
    # what its steps are built with
    served: Served = field(default_factory=lambda: Served(Facts()))

    @cached_property
    def positions(self) -> Mapping[tuple[str, int], int]:
        """Number of the first step of each scenario, counted over the whole plan.

        A request that is shared is counted where it stands first.
        """
        starts: dict[tuple[str, int], int] = {}
        position = 0
        for scenario in self.scenarios:
            starts[scenario.name] = position
            position += len(scenario.steps)
        return starts

    @cached_property
    def summary(self) -> PlanSummary:
        """Requests and token ceilings, as `--plan` prints them."""
        return summarised(self.sent())

    def sent(self) -> Iterator[tuple[Scenario, Step, Cost]]:
        """Every request, one that is shared once, with the most that it can cost.

        That is on a target that keeps the documents: what it refuses costs no tokens.
        """
        seen: set[bytes] = set()
        for scenario in self.scenarios:
            for step, cost in zip(
                scenario.steps, ceilings(scenario.steps, subwords), strict=True
            ):
                if step.narrows:
                    continue
                if step.shared:
                    content = content_key(step)
                    if content in seen:
                        continue
                    seen.add(content)
                yield scenario, step, Cost() if step.expect == "refuse" else cost


def summarised(sent: Iterable[tuple[Scenario, Step, Cost]]) -> PlanSummary:
    """Requests and token ceilings of what is sent."""
    total = NOTHING
    spare = 0
    by_operation: Counter[str] = Counter()
    by_probe: Counter[str] = Counter()
    in_turn: Counter[frozenset[ModelKind]] = Counter()
    for scenario, step, cost in sent:
        total += cost
        if step.spare:
            spare += 1
            continue
        in_turn[scenario.served_by] += scenario.is_alone and not step.together
        by_operation[step.operation] += 1
        by_probe[scenario.probe.name] += 1
    return PlanSummary(
        total.requests - spare,
        total.prompt,
        total.completion,
        by_operation,
        by_probe,
        spare,
        max(in_turn.values(), default=0),
    )


def jointly(plans: Iterable[Plan]) -> PlanSummary:
    """What plans send at most when they are recorded together."""
    return summarised(_jointly(plans))


def _jointly(plans: Iterable[Plan]) -> Iterator[tuple[Scenario, Step, Cost]]:
    seen: set[tuple[bytes, int]] = set()
    for plan in plans:
        times: Counter[bytes] = Counter()
        for scenario, step, cost in plan.sent():
            key = content_key(step)
            times[key] += 1
            if (key, times[key]) not in seen:
                seen.add((key, times[key]))
                yield scenario, step, cost


def plan(options: RunOptions, selection: Collection[str] | None = None) -> Plan:
    """Draw the plan of a run, with placeholders for models; nothing is sent.

    Raises:
        OptionError: an API, capability or dialect that does not exist.
        SuiteError: a probe that cannot be built.

    """
    return assemble(options, drawn(options), selection=selection)


def assemble(
    options: RunOptions,
    parameters: Drawn,
    *,
    facts: Facts | None = None,
    absent: Mapping[Api, str] | None = None,
    selection: Collection[str] | None = None,
) -> Plan:
    """Build the scenarios of drawn parameters.

    `facts` are the served models (placeholders without them), `absent` the APIs
    that the target does not offer, each with the reason.
    """
    known = catalogue(options.dialect)
    gone = absent or {}
    asked = (api for api in model_apis(options.dialect) if api not in gone)
    scope = tuple(api for api in asked if not options.apis or api in options.apis)
    served = Served(facts or Facts(dialect=options.dialect), options.without, scope)
    dropped: dict[str, Dropped] = {}
    by_api: dict[Api, list[Scenario]] = {}
    for probe in known.probes.values():
        built = (
            scenario_of(known, probe, number, params, served)
            for number, params in enumerate(parameters.get(probe.name, ()))
        )
        played = [
            taking_turns(scenario, known.dialect, options.seed, options.without)
            for scenario in built
        ]
        apis = {probe.api}.union(*(scenario.apis for scenario in played))
        reason = _left_out(probe, apis, options, gone)
        if reason is not None:
            served_rows = (r for s in played for t in s.steps for r in t.serves)
            dropped[probe.name] = Dropped(reason, tuple(dict.fromkeys(served_rows)))
        else:
            by_api.setdefault(probe.api, []).extend(played)
    scenarios = tuple(_ordered(by_api))
    if selection is not None:
        traceability = Traceability(known)
        scenarios = tuple(
            scenario
            for scenario in scenarios
            if any(traceability.exercises(scenario.planned, row) for row in selection)
        )
    return Plan(
        known, options.preset, options.seed, scenarios, dropped, selection, served
    )


def capabilities(known: Catalogue) -> frozenset[str]:
    """What a vendor may not claim, in a dialect."""
    of_rows = (need for row in known.scored for need in row.needs)
    of_probes = (need for probe in known.probes.values() for need in probe.needs)
    return frozenset((*of_rows, *of_probes))


def verify_scope(options: RunOptions, known: Catalogue) -> None:
    """Raise OptionError for an API or a capability that the dialect does not know."""
    apis = tuple(dict.fromkeys(r.api for r in known.scored if r.api != "common"))
    needs = sorted(capabilities(known))
    for option, given, valid in (
        ("--apis", options.apis, apis),
        ("--without", options.without, needs),
    ):
        for name in given:
            if name not in valid:
                raise OptionError(
                    f"{option}: unknown name {name!r}",
                    code="unknown-name",
                    hint=f"valid are {', '.join(valid)}",
                )


def drawn(options: RunOptions) -> Drawn:
    """The parameters of all probes of a preset, tables included, by probe.

    Raises:
        OptionError: an API, capability or dialect that does not exist.

    """
    known = catalogue(options.dialect)
    verify_scope(options, known)
    wanted = {
        probe.name: getattr(probe.draws, options.preset)
        for probe in known.probes.values()
    }
    tables = {
        name: [plain(row) for row in known.probes[name].rows[:count]]
        for name, count in wanted.items()
        if known.probes[name].rows
    }
    to_draw = {name: n for name, n in wanted.items() if n and name not in tables}
    cache = _cache(options, known)
    cached = cache.load(to_draw)
    if cached is None:
        cached = {
            name: _params(known.probes[name], count, options, cache.claimed)
            for name, count in to_draw.items()
        }
        cache.store(cached)
    return {key: [] for key in wanted} | tables | cached


def drawn_from(options: RunOptions) -> str:
    """Fingerprint of all that the requests of a run are drawn from."""
    return _cache(options, catalogue(options.dialect)).fingerprint


def _cache(options: RunOptions, known: Catalogue) -> PlanCache:
    claimed = capabilities(known) - {*options.without}
    return PlanCache(
        options.cache_dir, known.dialect, options.preset, options.seed, claimed
    )


def _params(
    probe: Probe, count: int, options: RunOptions, claimed: frozenset[str]
) -> list[Params]:
    if probe.made is None:
        return draw(probe.name, probe.params, count, options.seed)
    rows = probe.made(options.preset, options.seed, claimed)
    return [plain(row) for row in rows]


def _left_out(
    probe: Probe,
    apis: Iterable[Api],
    options: RunOptions,
    absent: Mapping[Api, str],
) -> str | None:
    for api in apis:
        if options.apis and api not in options.apis and api != "models":
            return f"{api} is outside --apis"
        if api in absent:
            return absent[api]
    for need in probe.needs:
        if need in options.without:
            return f"--without {need}"
    return None


def scenario_of(
    known: Catalogue, probe: Probe, number: int, params: Params, served: Served
) -> Scenario:
    """Build the scenario of one draw.

    Raises:
        SuiteError: the probe cannot be built, or is not what a probe must be.

    """
    try:
        steps = tuple(probe.build(params, served))
    except Exception as error:
        raise SuiteError(
            f"probe {probe.name} cannot be built from {params!r}: {error!r}",
            code="broken-probe",
        ) from error
    labels = [step.label for step in steps]
    if len({*labels}) < len(labels):
        raise SuiteError(
            f"probe {probe.name}: two steps have the same label", code="broken-probe"
        )
    for step in steps:
        for row in step.serves:
            level = known.requirements[row].level if row in known.requirements else None
            if level in (None, Level.MAY):
                raise SuiteError(
                    f"probe {probe.name} serves {row}, which is "
                    + ("unknown" if level is None else "a MAY row"),
                    code="broken-probe",
                )
    return Scenario(probe, number, params, steps)


def _ordered(by_api: Mapping[Api, list[Scenario]]) -> Iterator[Scenario]:
    """APIs take turns and first draws go first, so that what is wrong shows early.

    What is refused is spread among what is accepted: it may spoil the next one.
    """
    queues = [
        _spread(sorted(by_api[api], key=lambda scenario: scenario.draw))
        for api in sorted(by_api, key=(*model_apis(), "models").index)
    ]
    turns = [s for turn in zip_longest(*queues) for s in turn if s is not None]
    yield from (scenario for scenario in turns if not scenario.is_last)
    yield from (scenario for scenario in turns if scenario.is_last)


def _spread(queue: Sequence[Scenario]) -> list[Scenario]:
    """The same scenarios, those that end in a refusal at even distances.

    After each of them comes the one that differs most from those that already came
    after one: a refusal may spoil what only some requests have.
    """
    kinds: dict[bool, list[Scenario]] = {True: [], False: []}
    for scenario in queue:
        is_refusal = any(step.expect == "refuse" for step in scenario.steps[-1:])
        kinds[is_refusal].append(scenario)
    places = sorted(
        ((place + 0.5) / len(kind), is_refusal)
        for is_refusal, kind in kinds.items()
        for place in range(len(kind))
    )
    refused, others = iter(kinds[True]), kinds[False]
    placed: list[Scenario] = []
    told: set[object] = set()
    is_after = False
    for _, is_refusal in places:
        if is_refusal:
            placed.append(next(refused))
        else:
            first = [s for s in others if s.draw == others[0].draw and is_after]
            chosen = max(first, key=lambda s: len(_marks(s) - told), default=others[0])
            others.remove(chosen)
            told |= _marks(chosen) if is_after else set()
            placed.append(chosen)
        is_after = is_refusal
    return placed


def _marks(scenario: Scenario) -> frozenset[object]:
    """What is special about the first request of a scenario that is its own."""
    own = [step for step in scenario.steps if not step.shared and not step.spare][:1]
    served = (row for step in own for row in step.serves)
    values = (
        (name, type(value), not value)
        for step in own
        if isinstance(step.body, dict)
        for name, value in step.body.items()
    )
    return frozenset((*served, *values, scenario.probe.name))
