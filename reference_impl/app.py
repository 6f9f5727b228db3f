"""The reference put together: an engine by its name behind the HTTP front."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from aiohttp import web

from aios_conformance import spec
from aios_conformance.reference_impl.options import ReferenceOptions
from aios_conformance.serving.app import mounted
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.cors import allow_origins
from aios_conformance.serving.engine import Engine, Model
from aios_conformance.serving.meter import Meter
from aios_conformance.serving.models import capabilities
from aios_conformance.serving.observed import metrics, observed, observer
from aios_conformance.serving.server import Server
from aios_conformance.serving.stages import Stages

Say = Callable[[str], None]

_PACKAGE = "aios_conformance.reference_impl"
ASSEMBLIES: Final = {
    "transformers": f"{_PACKAGE}.transformers_engine.assembly",
    "vllm": f"{_PACKAGE}.vllm_engine.assembly",
}
"""The module of each engine whose `load_engine` makes it."""


def reference_application(options: ReferenceOptions, engine: Engine) -> web.Application:
    """Return the application that serves an engine's models."""
    meter = Meter()
    app = mounted(
        {name: _server(name, engine, options, meter) for name in options.dialects},
        [observer(meter, _log if options.request_log else None)],
    )
    names = [model.name for model in engine.models]
    places = int(engine.stats(names[0])["batch_size"])
    app.router.add_get("/metrics", metrics(meter, names, places))
    allow_origins(app, options.cors)
    return app


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _server(
    dialect: str, engine: Engine, options: ReferenceOptions, meter: Meter
) -> Server:
    """Return the server of one dialect; all of them have the same models."""
    front = Front(
        engine=engine,
        contract=Contract(spec.openapi(dialect)),
        find=by_name(engine),
        api_key=options.api_key,
        body_limit=options.body_limit,
        limits=options.limits,
        request_timeout=options.request_timeout,
        self_check=options.self_check,
        plain=options.self_check,
    )
    return _ReferenceServer(front, observed(Stages(), meter))


class _ReferenceServer(Server):
    """A server that says what its engine can do."""

    def card(self, model: Model) -> Mapping[str, Any]:
        """Tell of a model, with what it can be asked for."""
        return {**super().card(model), "capabilities": capabilities(model)}


def load_engine(options: ReferenceOptions, say: Say) -> Engine:
    """Make the chosen engine, importing its libraries; raises LoadError."""
    assembly = import_module(ASSEMBLIES[options.engine])
    engine: Engine = assembly.load_engine(options, say)
    return engine
