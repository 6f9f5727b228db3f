"""A request as a program for OpenAI's Python client."""

import re
from collections.abc import Mapping
from pprint import pformat
from typing import Any

from aios_conformance.conformance.terms.curl import named_variables
from aios_conformance.conformance.terms.exchange import Request

# What the client calls itself, and what it must be given; all else is sent beside it.
_CALLS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "/v1/chat/completions": ("chat.completions.create", ("model", "messages")),
    "/v1/completions": ("completions.create", ("model", "prompt")),
}
_OWN = frozenset(
    {"accept", "accept-encoding", "user-agent", "authorization", "content-type"}
)
_VARIABLE = re.compile(r"\$(AIOS_[A-Z0-9_]*)")


def openai_program(url: str, request: Request) -> str:
    """The program, or "" for a request that the client cannot make: no JSON object.

    What the client has a method for is called by it; other paths are posted to, with
    the body as it is.
    """
    method, _, path = request.operation.partition(" ")
    body = request.json
    if method != "POST" or not isinstance(body, dict):
        return ""
    variable = next(iter(named_variables(request)), None)
    key = f'os.environ["{variable}"]' if variable else '"none"'
    headers = _headers(request)
    lines = ["import os"] if variable or "os.environ" in headers else []
    call, required = _CALLS.get(path, ("", ()))
    if not call or not all(name in body for name in required):
        return "\n".join([*lines, *_posted(url, path, body, key, headers)])
    base = url + path.removesuffix("/" + call.removesuffix(".create").replace(".", "/"))
    given = {name: body[name] for name in (*required, "stream") if name in body}
    others = {name: value for name, value in body.items() if name not in given}
    arguments = [f"{name}={_literal(value)}," for name, value in given.items()]
    if others:
        arguments.append(f"extra_body={_literal(others)},")
    if headers:
        arguments.append(f"extra_headers={{{headers}}},")
    inside = "\n".join(arguments).replace("\n", "\n    ")
    shown = "for chunk in answer:\n    print(chunk)"
    lines += [
        "from openai import OpenAI",
        "",
        f"client = OpenAI(base_url={base!r}, api_key={key}, max_retries=0)",
        f"answer = client.{call}(\n    {inside}\n)",
        shown if body.get("stream") is True else "print(answer)",
    ]
    return "\n".join(lines)


def _posted(
    url: str, path: str, body: dict[str, Any], key: str, headers: str
) -> list[str]:
    """What the client has no method for: the body as it is."""
    options = f", options={{'headers': {{{headers}}}}}" if headers else ""
    return [
        "from openai import OpenAI",
        "",
        f"client = OpenAI(base_url={url!r}, api_key={key}, max_retries=0)",
        f"body = {_literal(body)}",
        "answer = client.post(",
        f"    {path!r}, body=body, cast_to=object{options}",
        ")",
        "print(answer)",
    ]


def _literal(value: Any) -> str:
    return pformat(value, width=84, sort_dicts=False)


def _headers(request: Request) -> str:
    """The members of a dict of headers that the client does not send by itself."""
    return ", ".join(
        f"{name!r}: {_filled_in(value)}"
        for name, value in request.headers
        if name.lower() not in _OWN
    )


def _filled_in(value: str) -> str:
    """A string, with the environment's variables where they stand in it."""
    pieces = _VARIABLE.split(value)
    shown = [
        f'os.environ["{piece}"]' if number % 2 else repr(piece)
        for number, piece in enumerate(pieces)
        if piece
    ]
    return " + ".join(shown) or "''"
