"""Lines that repeat a request when pasted into a shell; secrets stay `$VAR`."""

import re
import shlex
from collections.abc import Collection

from aios_conformance.conformance.terms.exchange import Request

LONGEST_LINE = 8000
"""A longer body goes into a here-document, which no shell cuts."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_VARIABLE = re.compile(r"\$[A-Z_][A-Z0-9_]*")
_OWN = ("accept", "accept-encoding", "user-agent")


def curl_line(url: str, request: Request, variables: Collection[str] = ()) -> str:
    """The curl command of a request to a target.

    `variables` are names, beside those that begin with AIOS_, that the shell fills
    in where `$NAME` stands in a header.

    A body that is not UTF-8, or that a page could not show, is piped in with printf.
    """
    method, _, path = request.operation.partition(" ")
    parts = ["curl", "-sS"]
    if method != "POST" or not request.body:
        parts += ["-X", method]
    parts.append(shlex.quote(url + path))
    defaults = {"accept": "*/*", "accept-encoding": "identity"}
    for name, value in request.headers:
        is_default = name.lower() == "user-agent" or (
            defaults.get(name.lower()) == value
        )
        if not is_default:
            parts += ["-H", _filled_in(f"{name}: {value}", variables)]
    if not request.body:
        return " ".join(parts)
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return f"printf {_octal(request.body)} | {' '.join(parts)} --data-binary @-"
    if _CONTROL.search(text):
        return f"printf {_octal(request.body)} | {' '.join(parts)} --data-binary @-"
    if len(request.body) > LONGEST_LINE or "\n" in text:
        return _here_document(" ".join(parts), text)
    flag = "--data-raw" if text.startswith("@") else "-d"
    return " ".join([*parts, flag, _single(text)])


def httpie_line(url: str, request: Request, variables: Collection[str] = ()) -> str:
    """The same as a command of HTTPie, which shows a stream as it comes."""
    method, _, path = request.operation.partition(" ")
    parts = ["http", "--stream", method, shlex.quote(url + path)]
    parts += [
        _filled_in(f"{name}:{value}", variables)
        for name, value in request.headers
        if name.lower() not in _OWN
    ]
    command = " ".join(parts)
    if not request.body:
        return f"{command} --ignore-stdin"
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return f"printf {_octal(request.body)} | {command}"
    if len(request.body) > LONGEST_LINE or "\n" in text:
        word = _word(text)
        return f"{command} <<'{word}'\n{text}\n{word}"
    return f"{command} --ignore-stdin --raw {_single(text)}"


def named_variables(request: Request) -> tuple[str, ...]:
    """The variables that the credentials of a request, as recorded, stand for."""
    found = (
        name
        for key, value in request.headers
        if key.lower() == "authorization"
        for name in _VARIABLE.findall(value)
    )
    return tuple(name[1:] for name in found)


def _word(text: str) -> str:
    """A word to end a here-document with that its text does not hold as a line."""
    word = "BODY"
    while f"\n{word}\n" in f"\n{text}\n":
        word += "_"
    return word


def _here_document(command: str, text: str) -> str:
    word = _word(text)
    # a here-document ends with a line feed, which JSON does not mind
    return f"{command} --data-binary @- <<'{word}'\n{text}\n{word}"


def _filled_in(text: str, variables: Collection[str]) -> str:
    """In single quotes, but for variables, which the shell is to fill in."""
    pieces: list[str] = []
    rest = 0
    for found in _VARIABLE.finditer(text):
        name = found[0][1:]
        if name in variables or name.startswith("AIOS_"):
            pieces += [_single(text[rest : found.start()]), f'"{found[0]}"']
            rest = found.end()
    pieces.append(_single(text[rest:]))
    return "".join(pieces)


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if text else ""


def _octal(body: bytes) -> str:
    return "'" + "".join(f"\\{byte:03o}" for byte in body) + "'"
