"""The mock put together: contract, engine, stages, and what is broken on purpose."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Middleware

from aios_conformance import spec
from aios_conformance.mockserver.catalogue import documented
from aios_conformance.mockserver.control.exchange import current
from aios_conformance.mockserver.control.journal import Journal
from aios_conformance.mockserver.control.remarks import remarked
from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.seldom import MARK, TRIGGERS, seldom
from aios_conformance.mockserver.middleware import METRICS, Outside
from aios_conformance.mockserver.model.engine import BATCH, MockEngine
from aios_conformance.mockserver.options import MockOptions
from aios_conformance.mockserver.page.events import CLOSING, close
from aios_conformance.mockserver.profile.last_chunks import joined
from aios_conformance.mockserver.profile.profiled import profiled, told
from aios_conformance.mockserver.profile.side_routes import SideServer, identified
from aios_conformance.mockserver.profile.vllm import OPEN_CORS, REQUEST_IDS
from aios_conformance.mockserver.scripting.replay import Relay
from aios_conformance.mockserver.scripting.rule_reader import RuleError, load_rules
from aios_conformance.mockserver.scripting.script import ScriptedEngine
from aios_conformance.mockserver.scripting.tape import Tape, TapeError
from aios_conformance.mockserver.stages import current_script, staged
from aios_conformance.mockserver.state import Behaviour, MockState, Tally
from aios_conformance.serving.app import POSTS, mounted
from aios_conformance.serving.at_once import AT_ONCE, AtOnce
from aios_conformance.serving.context import Front
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.cors import allow_origins
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.in_flight import counted
from aios_conformance.serving.located import short
from aios_conformance.serving.metrics import CONTENT_TYPE, written
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.profile import DOCUMENTS, JOINED_FINISH, Profile
from aios_conformance.serving.server import Server
from aios_conformance.serving.stages import Stages

STATE = web.AppKey("state", MockState)
"""Where an application keeps its journal, rules and faults."""


def mock_application(
    options: MockOptions,
    journal: Journal | None = None,
    outer: Sequence[Middleware] = (),
    alone: Callable[[], bool] = lambda: True,
) -> web.Application:
    """Return the mock as an application, with another journal if one is given.

    `outer` are middlewares around all that is the mock's, save for what is answered at
    once; `alone` tells whether that may be.
    Raises OptionError for an unknown defect or one of a dialect that is not served,
    and for rules or a tape that cannot be read.
    """
    profiles = {n: _profile(n, options) for n in options.dialects}
    contracts = {
        n: Contract(profile.document(spec.openapi(n)))
        for n, profile in profiles.items()
    }
    servers: dict[str, Server] = {}

    def serve(tallies: Mapping[str, Tally]) -> None:
        planted = [(chosen_defect(name, options), tallies[name]) for name in tallies]
        for dialect, contract in contracts.items():
            broken = [each for each in planted if each[0].dialect == dialect]
            front, stages = _served(dialect, contract, options, state, broken)
            if dialect in servers:
                servers[dialect].restart(front, stages)
            else:
                servers[dialect] = SideServer(front, stages)

    state = MockState(plan_of(options), serve, journal)
    state.reset()
    outside = Outside(state, alone)
    app = mounted(servers, [*outer, outside.middleware])
    at_once: AtOnce = partial(outside.at_once, app[POSTS])
    app[AT_ONCE] = at_once
    profile = options.profile
    allow_origins(app, options.cors or ("*",) * (OPEN_CORS in profile))
    if REQUEST_IDS in profile:
        app.on_response_prepare.append(identified)
    app.router.add_get(METRICS, partial(_metrics, state, servers))
    app[STATE] = state
    app[CLOSING] = asyncio.Event()
    app.on_shutdown.append(close)
    app.on_cleanup.append(state.upstream.close)
    return app


async def _metrics(
    state: MockState, servers: Mapping[str, Server], _: web.Request
) -> web.Response:
    """Tell what happened, in Prometheus' format."""
    models = [m.name for one in servers.values() for m in one.front.engine.models]
    places = state.plan.room.running or BATCH
    body = await asyncio.to_thread(written, state.meter, models, places)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def _profile(dialect: str, options: MockOptions) -> Profile:
    """Return the profile of a dialect: the others are served as documented."""
    return options.profile if dialect == "aios" else DOCUMENTS


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
        lengths=options.answer_tokens,
        pending=state.meter.running,
    )
    stages, served = _broken(ScriptedEngine(engine, current_script), defects)
    front = Front(
        engine=served,
        contract=contract,
        profile=_profile(dialect, options),
        told=partial(told, _profile(dialect, options)),
        find=engine.find,
        api_key=options.api_key,
        body_limit=options.body_limit,
        limits=options.limits,
        request_timeout=options.request_timeout,
        self_check=options.self_check,
        plain=bool(defects) or options.self_check,
    )
    stages = profiled(stages, front)
    if JOINED_FINISH in front.profile:
        stages = joined(stages)
    if options.unknown != "ignore":
        stages = remarked(stages, front, refuse=options.unknown == "refuse")
    return front, counted(staged(stages, state), state.meter.running, current)


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
    if options.replay and not (options.record or options.replay.exists()):
        raise OptionError(f"there is no tape {options.replay}; --record URL makes it")
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
        quota=options.quota,
        room=options.room,
        seed=options.seed,
        remember=not (
            options.self_check or options.pacing or options.room.running is not None
        ),
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
        near = get_close_matches(name[:100], known, 1, cutoff=0)
        raise OptionError(
            f"unknown defect {short(name)}, the nearest is {near[0]!r}; "
            f"--list-defects lists {len(known)}"
        )
    if (dialect := known[name].dialect) not in options.dialects:
        raise OptionError(
            f"the defect {name!r} is one of {dialect}; add --dialect {dialect}"
        )
    return known[name]
