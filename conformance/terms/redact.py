"""Secrets are replaced at capture: nothing behind the transport sees a key.

A secret reads `$VAR` wherever it occurs: in the headers that were sent, and in
whatever the target echoes, in plain, in the spellings of JSON, of URLs and of HTML,
character by character mixed as they may be, in hexadecimal digits, and inside base64.
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

# value, placeholder, the value however it is escaped, and how it may be coded
_Search = tuple[bytes, bytes, re.Pattern[bytes], list[bytes]]

_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|key|apikey|digest)\s+(?P<bare>\S.*)")
_SIGNS = (b"%", b"\\", b"&")  # each spelling but the plain one holds one of them


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
        for value, placeholder, spelled, coded in self._searches:
            if len(value) < ECHO_LENGTH:
                pattern = rb"(?i)(?<=bearer )" + re.escape(value) + rb"(?!\w)"
                data = re.sub(pattern, placeholder, data)
                continue
            data = data.replace(value, placeholder)
            if is_spelled:
                data = spelled.sub(placeholder, data)
            for coding in coded:
                data = data.replace(coding, placeholder)
        return data

    @cached_property
    def _searches(self) -> "tuple[_Search, ...]":
        return tuple(
            (
                value.encode(errors="surrogateescape"),
                f"${name}".encode(),
                re.compile(b"".join(map(_spellings, value))),
                _codings(value),
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
    """A pattern of one character, plain or escaped for JSON, a URL or HTML."""
    number = ord(character)
    plain = character.encode(errors="surrogateescape")
    units = character.encode("utf-16-be", errors="surrogatepass").hex()
    escaped = (rf"\\u(?i:{units[i : i + 4]})" for i in range(0, len(units), 4))
    either = [
        re.escape(plain),
        b"".join(b"%%(?i:%02x)" % byte for byte in plain),
        "".join(escaped).encode(),
        b"&#0*%d;" % number,
        b"&#(?i:x0*%x);" % number,
    ]
    if number in codepoint2name:
        either.append(b"&%s;" % codepoint2name[number].encode())
    if character in '"\\/':
        either.append(re.escape(b"\\" + plain))
    return b"(?:" + b"|".join(either) + b")"


def _codings(value: str) -> list[bytes]:
    """How a value reads in hexadecimal digits, and within base64 of any surroundings.

    Base64 spells three bytes by four letters: what a value adds to it depends on its
    place among the three, and its first and last letters on its neighbours.
    """
    if len(value) < ECHO_LENGTH:
        return []
    plain = value.encode(errors="surrogateescape")
    found = [plain.hex().encode(), plain.hex().upper().encode()]
    for before in range(3):
        whole = bytes(before) + plain
        start, end = -(-before * 8 // 6), len(whole) * 8 // 6
        found += [
            encode(whole).rstrip(b"=")[start:end]
            for encode in (base64.b64encode, base64.urlsafe_b64encode)
        ]
    return sorted({*found}, key=len, reverse=True)
