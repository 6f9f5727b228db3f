"""A server that keeps its promises: the mock's model behind the tests' own listener."""

from dataclasses import replace
from threading import Lock

from listening import Asked, Said, refuse, say
from multidict import CIMultiDict
from played import answering

from aios_conformance.mockserver.catalogue import everything
from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.stages import Stages
from aios_conformance.spec import openapi

MODEL = "miniature"
"""It serves every API, with vectors that leave a recording small."""

_ENGINE = MockEngine([replace(everything(MODEL), dimensions=16)])
_TURN = Lock()  # connections have threads of their own
_ANSWER = answering(_ENGINE, _ENGINE.find, "aios", Stages())


def honest(asked: Asked) -> Said:
    """Keep all promises."""
    if (asked.method, asked.path) == ("GET", "/v1/models"):
        return say({"object": "list", "data": [{"id": MODEL, "object": "model"}]})
    if asked.path not in openapi()["paths"]:
        return refuse(404, f"no such path: {asked.path}")
    if asked.method != "POST":
        return refuse(405, "only POST")
    headers = CIMultiDict(asked.headers)
    with _TURN:
        return Said(*_ANSWER(f"POST {asked.path}", headers, asked.body))
