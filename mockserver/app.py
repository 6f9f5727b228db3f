"""The mock put together: contract, engine, stages, and what is broken on purpose."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from aiohttp import web

from aios_conformance import spec
from aios_conformance.mockserver.catalogue import DOCUMENTED
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
from aios_conformance.serving.bounded_cache import Kept
from aios_conformance.serving.context import Front
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.stages import Stages

_STEPS = 2_000  # tokens of remembered choices

STATE = web.AppKey("state", MockState)
"""Where an application keeps its journal, rules and faults."""


class Defect(Protocol):
    """One broken promise, as `mockserver.defects.registry()` lists it by name."""

    @property
    def dialect(self) -> str:
        """The dialect whose promise it is."""

    @property
    def plant(
        self,
    ) -> Callable[[Stages, Engine, Tally], tuple[Stages, Engine]]:
        """Return stages and engine with the promise broken; acts go to the tally."""

    def describe(self) -> dict[str, Any]:
        """Return name, description and requirement ids as plain JSON values."""


def mock_application(options: MockOptions) -> web.Application:
    """Return the mock as an application.

    Raises OptionError for an unknown defect or one of a dialect that is not served,
    and for rules or a tape that cannot be read.
    """
    state = MockState(plan_of(options))
    planted = chosen_defects(options)
    servers = {
        dialect: _server(
            dialect,
            options,
            state,
            [name for name, defect in planted.items() if defect.dialect == dialect],
        )
        for dialect in options.dialects
    }
    app = together(servers, [around(state)])
    app[STATE] = state
    if state.plan.relay is not None:
        app.cleanup_ctx.append(state.plan.relay.session)
    return app


def _server(
    dialect: str, options: MockOptions, state: MockState, names: Sequence[str]
) -> Server:
    """Return the server of one dialect, broken as the named defects say."""
    engine = MockEngine(
        (*DOCUMENTED[dialect], *options.models),
        seed=options.seed,
        any_model=options.any_model,
    )
    scripted = ScriptedEngine(engine, current_script)
    stages, served = broken(names, Stages(), scripted, state)
    front = Front(
        engine=served,
        contract=Contract(spec.openapi(dialect)),
        find=engine.find,
        api_key=options.api_key,
        body_limit=options.body_limit,
        self_check=options.self_check,
        plain=bool(names) or options.self_check,
        # Repetitions are remembered whole (mockserver.answer_cache); parts are cheap.
        vectors=Kept(0),
        steps=Kept(_STEPS),
    )
    return Server(front, counted(staged(stages, state), engine.pending))


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
        relay=relay,
        seed=options.seed,
        remember=not (options.defects or options.self_check or options.pacing),
    )


def broken(
    names: Sequence[str], stages: Stages, engine: Engine, state: MockState
) -> tuple[Stages, Engine]:
    """Plant defects, the last one outermost; the state counts their acts."""
    known = defects() if names else {}
    for name in names:
        tally = state.tallies[name] = Tally()
        stages, engine = known[name].plant(stages, engine, tally)
    return stages, engine


def chosen_defects(options: MockOptions) -> Mapping[str, Defect]:
    """Return the wanted defects by name; raises OptionError."""
    known = defects() if options.defects else {}
    for name in options.defects:
        if name not in known:
            raise OptionError(
                f"unknown defect {name!r}; --list-defects lists {len(known)}"
            )
        if (dialect := known[name].dialect) not in options.dialects:
            raise OptionError(
                f"the defect {name!r} is one of {dialect}; add --dialect {dialect}"
            )
    return {name: known[name] for name in options.defects}


def defects() -> Mapping[str, Defect]:
    """Return the registry and the museum, loaded only when somebody asks for them."""
    package = "aios_conformance.mockserver.defects"
    registry: Mapping[str, Defect] = import_module(package).registry()
    exhibits: Mapping[str, Defect] = import_module(f"{package}.museum").museum()
    return {**registry, **exhibits}
