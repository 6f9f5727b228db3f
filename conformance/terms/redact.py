"""Secrets are replaced at capture: nothing behind the transport sees a key.

A secret reads `$VAR` wherever it occurs: in the headers that were sent, and in
whatever the target echoes: in plain, in either letter case, in the spellings of JSON,
programs, URLs, mail and HTML (mixed as they may be, and spelled again), as numbers of
its bytes, and inside base64.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html.entities import codepoint2name

ECHO_LENGTH = 6
"""A shorter value occurs in ordinary text; it is replaced only where it is sent,
and after the word Bearer."""

# value, placeholder, the value however it is spelled, how it may be coded
_Search = tuple[bytes, bytes, re.Pattern[bytes], list[bytes], list[re.Pattern[bytes]]]

_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|key|apikey|digest)\s+(?P<bare>\S.*)")
_SIGNS = (b"%", b"\\", b"&", b"=", b"\0")
"""Each spelling, but the plain one, holds one of them."""

_LINE = 76
"""Letters of base64 that mail puts into a line."""


@dataclass(frozen=True)
class Redactor:
    """Replaces secret values by the names of the variables that hold them."""

    secrets: Mapping[str, str]  # value → variable name, without the dollar sign

    @classmethod
    def of(
        cls, api_key: str | None, key_env: str, headers: Iterable[tuple[str, str]] = ()
    ) -> "Redactor":
        """Secrets of a run: the key and the value of every extra header.

        Of `Bearer K`, K is a secret too; of `Basic …`, so is the password in it.
        """
        secrets: dict[str, str] = {}
        for name, value in headers:
            for each in filter(None, _bare_forms(value)):
                secrets.setdefault(each, header_variable(name))
        if api_key:
            secrets[api_key] = key_env
        return cls(dict(sorted(secrets.items(), key=lambda item: -len(item[0]))))

    def __bool__(self) -> bool:
        """There is something to hide."""
        return bool(self.secrets)

    def text(self, text: str) -> str:
        """A text without secrets."""
        if not self.secrets:
            return text
        return self.bytes(text.encode(errors="surrogateescape")).decode(
            errors="surrogateescape"
        )

    def bytes(self, data: bytes) -> bytes:
        """Bytes without secrets."""
        is_spelled = any(sign in data for sign in _SIGNS)
        for value, placeholder, spelled, coded, numbered in self._searches:
            if len(value) < ECHO_LENGTH:
                pattern = rb"(?i)(?<=bearer )" + re.escape(value) + rb"(?!\w)"
                data = re.sub(pattern, placeholder, data)
                continue
            if is_spelled or value.lower() in data.lower():
                data = spelled.sub(placeholder, data)
            for coding in coded:
                data = data.replace(coding, placeholder)
            for numbers in numbered:
                data = numbers.sub(placeholder, data)
        return data

    @cached_property
    def _searches(self) -> "tuple[_Search, ...]":
        return tuple(
            (
                value.encode(errors="surrogateescape"),
                f"${name}".encode(),
                re.compile(b"".join(map(_spellings, value))),
                _codings(value),
                [re.compile(each) for each in _numbers(value)],
            )
            for value, name in self.secrets.items()
        )

    def sent_headers(
        self, headers: Iterable[tuple[str, str]]
    ) -> tuple[tuple[str, str], ...]:
        """Headers as sent; a value that is a secret, however short, is replaced."""
        return tuple((name, self._sent(value)) for name, value in headers)

    def _sent(self, value: str) -> str:
        for secret, name in self.secrets.items():
            if value in (secret, f"Bearer {secret}"):
                return value.replace(secret, f"${name}")
        return self.text(value)


def header_variable(name: str) -> str:
    """The variable that stands for the value of an extra header in curl lines."""
    return "AIOS_HEADER_" + re.sub(r"\W", "_", name.strip()).upper()


def _bare_forms(value: str) -> Iterator[str]:
    yield value
    if found := _SCHEME.fullmatch(value):
        bare = found["bare"]
        yield bare
        if value.lower().startswith("basic"):
            try:
                pair = base64.b64decode(bare, validate=True).decode()
            except ValueError:
                return
            yield pair
            yield pair.partition(":")[2]


def _spellings(character: str) -> bytes:
    """A pattern of one character, however it is escaped, and as UTF-8 or wider.

    Each way begins with a sign of its own, so that a search is quick.
    """
    number, plain = ord(character), _bytes(character)
    wide = character.encode("utf-16-be", errors="surrogatepass")
    units = (wide[at : at + 2].hex().encode() for at in range(0, len(wide), 2))
    either = [
        *(re.escape(_bytes(each)) for each in {character, character.swapcase()}),
        b"".join(rb"\\\\*u(?i:%b)" % unit for unit in units),
        rb"\\\\*u\{0*(?i:%x)\}" % number,
        b"".join(rb"\\\\*x(?i:%02x)" % byte for byte in plain),
        b"".join(rb"\\\\*%03o" % byte for byte in plain),
        b"".join(rb"%%(?:25)*(?i:%02x)" % byte for byte in plain),
        b"".join(rb"=(?i:%02x)" % byte for byte in plain),
        rb"&(?:amp;)*#0*%d(?!\d);?" % number,
        rb"&(?:amp;)*#[xX]0*(?i:%x)(?![\da-fA-F]);?" % number,
    ]
    if number in codepoint2name:
        either.append(rb"&(?:amp;)*%b;" % codepoint2name[number].encode())
    if not character.isalnum():
        either.append(rb"\\\\*" + re.escape(plain))
    return b"(?:" + b"|".join(either) + rb")\x00{0,3}"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _codings(value: str) -> list[bytes]:
    """How a value reads within base64 of any surroundings.

    Base64 spells three bytes by four letters: what a value adds to it depends on its
    place among the three, and its first and last letters on its neighbours.
    """
    if len(value) < ECHO_LENGTH:
        return []
    found = []
    for before in range(3):
        whole = bytes(before) + _bytes(value)
        start, end = -(-before * 8 // 6), len(whole) * 8 // 6
        found += [
            encode(whole).rstrip(b"=")[start:end]
            for encode in (base64.b64encode, base64.urlsafe_b64encode)
        ]
    return sorted({*found}, key=len, reverse=True)


def _numbers(value: str) -> Iterator[bytes]:
    """Patterns of its bytes as numbers, and of base64 that goes over several lines."""
    plain = _bytes(value)
    yield rb"[ :,-]{0,2}(?:0[xX])?".join(rb"(?i:%02x)" % byte for byte in plain)
    yield rb"\s*,\s*".join(rb"%d" % byte for byte in plain)
    for coding in _codings(value):
        if len(coding) > _LINE // 2:
            letters = (re.escape(bytes([letter])) for letter in coding)
            yield rb"(?:\s|\\+[rn])*".join(letters)
