"""The mock put together: contract, engine, stages, and what is broken on purpose."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from aiohttp import web

import spec
from mockserver.catalogue import DOCUMENTED
from mockserver.engine import MockEngine
from mockserver.options import MockOptions
from serving.app import application
from serving.context import Front
from serving.contract import Contract
from serving.engine import Engine
from serving.options import OptionError
from serving.stages import Stages


class Defect(Protocol):
    """One broken promise, as `mockserver.defects.registry()` lists it by name."""

    def wrap(self, stages: Stages, engine: Engine) -> tuple[Stages, Engine]:
        """Return the stages and the engine with the promise broken."""

    def describe(self) -> dict[str, Any]:
        """Return name, description and requirement ids as plain JSON values."""


def mock_application(options: MockOptions) -> web.Application:
    """Return the mock as an application; raises OptionError for an unknown defect."""
    engine = MockEngine(
        (*DOCUMENTED[options.dialect], *options.models),
        seed=options.seed,
        any_model=options.any_model,
    )
    stages, served = broken(options.defects, Stages(), engine)
    front = Front(
        engine=served,
        contract=Contract(spec.openapi(options.dialect)),
        find=engine.find,
        api_key=options.api_key,
        body_limit=options.body_limit,
        self_check=options.self_check,
        plain=bool(options.defects) or options.self_check,
    )
    return application(front, stages)


def broken(
    names: Sequence[str], stages: Stages, engine: Engine
) -> tuple[Stages, Engine]:
    """Plant defects, the last one outermost."""
    known = defects() if names else {}
    for name in names:
        if name not in known:
            raise OptionError(
                f"unknown defect {name!r}; --list-defects lists {len(known)}"
            )
        stages, engine = known[name].wrap(stages, engine)
    return stages, engine


def defects() -> Mapping[str, Defect]:
    """Return the registry, which is loaded only when somebody asks for it."""
    registry: Mapping[str, Defect] = import_module("mockserver.defects").registry()
    return registry
