"""The mock put together: contract, engine, stages, and what is broken on purpose."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from aiohttp import web

from aios_conformance import spec
from aios_conformance.mockserver.catalogue import documented
from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.seldom import MARK, TRIGGERS, seldom
from aios_conformance.mockserver.engine import MockEngine
from aios_conformance.mockserver.in_flight import counted
from aios_conformance.mockserver.middleware import around
from aios_conformance.mockserver.options import MockOptions
from aios_conformance.mockserver.replay import Relay
from aios_conformance.mockserver.rules import RuleError, load_rules
from aios_conformance.mockserver.script import ScriptedEngine
from aios_conformance.mockserver.stages import current_script, staged
from aios_conformance.mockserver.state import Behaviour, MockState, Tally
from aios_conformance.mockserver.tape import Tape, TapeError
from aios_conformance.serving.app import Server, together
from aios_conformance.serving.context import Front
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.cors import allow_origins
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.stages import Stages

STATE = web.AppKey("state", MockState)
"""Where an application keeps its journal, rules and faults."""


def mock_application(options: MockOptions) -> web.Application:
    """Return the mock as an application.

    Raises OptionError for an unknown defect or one of a dialect that is not served,
    and for rules or a tape that cannot be read.
    """
    contracts = {name: Contract(spec.openapi(name)) for name in options.dialects}
    servers: dict[str, Server] = {}

    def serve(tallies: Mapping[str, Tally]) -> None:
        planted = [(chosen_defect(name, options), tallies[name]) for name in tallies]
        for dialect, contract in contracts.items():
            broken = [each for each in planted if each[0].dialect == dialect]
            front, stages = _served(dialect, contract, options, state, broken)
            if dialect in servers:
                servers[dialect].restart(front, stages)
            else:
                servers[dialect] = Server(front, stages)

    state = MockState(plan_of(options), serve)
    state.reset()
    app = together(servers, [around(state)])
    allow_origins(app, options.cors)
    app[STATE] = state
    if state.plan.relay is not None:
        app.cleanup_ctx.append(state.plan.relay.session)
    return app


def _served(
    dialect: str,
    contract: Contract,
    options: MockOptions,
    state: MockState,
    defects: Sequence[tuple[Defect, Tally]],
) -> tuple[Front, Stages]:
    """Return what serves one dialect, with the defects planted."""
    engine = MockEngine(
        (*documented(dialect), *options.models),
        seed=options.seed,
        any_model=options.any_model,
        memory=state.memory,
    )
    stages, served = _broken(ScriptedEngine(engine, current_script), defects)
    front = Front(
        engine=served,
        contract=contract,
        find=engine.find,
        api_key=options.api_key,
        body_limit=options.body_limit,
        limits=options.limits,
        request_timeout=options.request_timeout,
        self_check=options.self_check,
        plain=bool(defects) or options.self_check,
    )
    return front, counted(staged(stages, state), engine.pending)


def _broken(
    engine: Engine, defects: Sequence[tuple[Defect, Tally]]
) -> tuple[Stages, Engine]:
    """Plant defects, the last one outermost."""
    stages = Stages()
    for defect, tally in defects:
        stages, engine = defect.plant(stages, engine, tally)
    return stages, engine


def plan_of(options: MockOptions) -> Behaviour:
    """Read the files that options name; raises OptionError."""
    try:
        rules = load_rules(options.rules) if options.rules else ()
        tape = Tape(options.replay) if options.replay else None
    except (RuleError, TapeError) as error:
        raise OptionError(str(error)) from None
    relay = None
    if tape is not None:
        relay = Relay(tape, upstream=options.record, speed=options.replay_speed)
    return Behaviour(
        pacing=options.pacing,
        faults=options.faults,
        rules=rules,
        strict=options.strict,
        journal=options.journal,
        control=options.control,
        hosts=(options.address.host.lower(), *options.hosts),
        api_key=options.api_key,
        limits=options.limits,
        relay=relay,
        seed=options.seed,
        remember=not (options.self_check or options.pacing),
        defects=options.defects,
        dialects=tuple(options.dialects),
    )


def chosen_defect(name: str, options: MockOptions) -> Defect:
    """Return a defect that the served dialects can have; raises OptionError."""
    known = plantable(tuple(options.dialects))
    plain, _, trigger = name.partition(MARK)
    if plain in known and trigger in TRIGGERS:
        known = {**known, name: seldom(known[plain], trigger)}
    if name not in known:
        near = get_close_matches(name, known, 1, cutoff=0)
        raise OptionError(
            f"unknown defect {name!r}, the nearest is {near[0]!r}; "
            f"--list-defects lists {len(known)}"
        )
    if (dialect := known[name].dialect) not in options.dialects:
        raise OptionError(
            f"the defect {name!r} is one of {dialect}; add --dialect {dialect}"
        )
    return known[name]
