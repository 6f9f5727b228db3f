"""Secrets are replaced at capture, once: nothing behind the transport sees a key.

A secret reads `$VAR` wherever it occurs: in the headers that were sent, and in
whatever the target echoes, plain or in the spelling of JSON or of a URL.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import orjson

ECHO_LENGTH = 6
"""A shorter value occurs in ordinary text; it is replaced only where it is sent,
and after the word Bearer."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces secret values by the names of the variables that hold them."""

    secrets: Mapping[str, str]  # value → variable name, without the dollar sign

    @classmethod
    def of(
        cls, api_key: str | None, key_env: str, headers: Iterable[tuple[str, str]] = ()
    ) -> "Redactor":
        """Secrets of a run: the key and the value of every extra header."""
        secrets = {value: header_variable(name) for name, value in headers if value}
        if api_key:
            secrets[api_key] = key_env
        return cls(dict(sorted(secrets.items(), key=lambda item: -len(item[0]))))

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self.bytes(text.encode(errors="surrogateescape")).decode(
            errors="surrogateescape"
        )

    def bytes(self, data: bytes) -> bytes:
        """Bytes without secrets."""
        for value, name in self.secrets.items():
            placeholder = b"$" + name.encode()
            spellings = {
                value.encode(),
                orjson.dumps(value)[1:-1],
                quote(value, safe="").encode(),
            }
            for spelling in spellings:
                if len(value) >= ECHO_LENGTH:
                    data = data.replace(spelling, placeholder)
                elif spelling in data:
                    pattern = rb"(?i)(?<=bearer )" + re.escape(spelling) + rb"(?!\w)"
                    data = re.sub(pattern, placeholder, data)
        return data

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
