"""Secrets are replaced at capture: nothing behind the transport sees a key.

A secret reads `$VAR` wherever it occurs: in the headers that were sent, and in
whatever the target echoes: in plain, in either letter case, in the spellings of JSON,
programs, URLs, mail and HTML (mixed as they may be, and spelled again), with signs or
spaces between its letters, backwards, as numbers of its bytes, cut to a half or more,
and within base64 and its kin, one in another.
"""

import base64
import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html.entities import codepoint2name
from itertools import product
from string import ascii_letters, digits

from aios_conformance.conformance.terms.coded import RUN, decodings

ECHO_LENGTH = 6
"""A shorter value occurs in ordinary text; it is replaced only where it is sent,
and after the word Bearer."""

HALVED_LENGTH = 16
"""A value of so many characters is known by a half of it."""

_UNHALVED = re.compile(r"\s|:.{0,5}$|^\w+://")
"""A half of these is a common word, who has a short password, or some host."""

_SKELETON_LENGTH = 12
"""Letters and digits that are no coincidence in a text without its other signs."""

_ANCHOR = 64
"""Letters that one pattern looks for; those behind them are read one by one."""

_DEPTH, _NESTED = 3, 65_536
"""Codings within one another that are undone, and the letters of an inner one."""

_LOWER = bytes(range(256)).lower()
_ESCAPES = re.compile(rb"\\+(?:u[0-9a-f]{4}|[nrt])")
_NO_LETTERS = bytes(range(256)).translate(None, f"{ascii_letters}{digits}".encode())

_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|key|apikey|digest)\s+(?P<bare>\S.*)")
_SIGNS = (b"%", b"\\", b"&", b"=", b"\0")
"""Each spelling, but the plain one, holds one of them."""

_NUMBER_SIGNS = (b"", b"0", b"00", b"0000", b"0x", b"u00", b"u0000")
"""Letters and digits that stand before a number."""

_BREAKS = re.compile(rb"\\+[rn]")


@dataclass(frozen=True)
class Redactor:
    """Replaces secret values by the names of the variables that hold them."""

    secrets: Mapping[str, str]  # value → variable name, without the dollar sign

    @classmethod
    def of(
        cls, api_key: str | None, key_env: str, headers: Iterable[tuple[str, str]] = ()
    ) -> "Redactor":
        """Secrets of a run: the key and the value of every extra header.

        Of `Bearer K`, K is a secret too; of `Basic …`, so is the password in it, and of
        `session=K; theme=dark` what each part holds.
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

    def _within_codings(self, data: bytes, depth: int) -> bytes:
        """Data without the coded runs that hold a secret."""
        if depth == _DEPTH:
            return data

        def shown(found: re.Match[bytes]) -> bytes:
            run = found[0]
            for plain in decodings(run) if not depth or len(run) < _NESTED else ():
                hidden = self.bytes(plain, depth + 1)
                for each in self._searches if hidden != plain else ():
                    if each.placeholder in hidden:
                        return each.placeholder
            return run

        return RUN.sub(shown, data)

    def bytes(self, data: bytes, depth: int = 0) -> bytes:
        """Bytes without secrets; `depth` codings have been undone to read them."""
        if not self.secrets:
            return data
        lower, joined = data.lower(), _joined(data)
        skeleton = _ESCAPES.sub(b"", lower).translate(None, _NO_LETTERS)
        is_spelled = any(sign in data for sign in _SIGNS)
        for each in self._searches:
            value, placeholder = each.value, each.placeholder
            if len(value) < ECHO_LENGTH:
                pattern = rb"(?i)(?<=bearer )" + re.escape(value) + rb"(?!\w)"
                data = re.sub(pattern, placeholder, data)
                continue
            if is_spelled or each.start in lower or each.end in lower:
                data = each.unspelled(data)
            for letters, spread in each.spread:
                if letters in skeleton:
                    data = re.sub(spread, placeholder, data)
            for coding in each.codings:
                data = data.replace(coding, placeholder)
            for coding in each.codings:
                if len(coding) >= HALVED_LENGTH and coding in joined:
                    data = re.sub(_broken(coding), placeholder, data)
        return self._within_codings(data, depth)

    @cached_property
    def _searches(self) -> "tuple[_Search, ...]":
        return tuple(
            _Search.of(value, f"${name}") for value, name in self.secrets.items()
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


@dataclass(frozen=True)
class _Search:
    """What one secret is found by."""

    value: bytes
    placeholder: bytes
    letters: list[re.Pattern[bytes]]
    least: int  # of its letters, from the first on or up to the last
    anchors: list[tuple[int, re.Pattern[bytes]]]  # by the letter that each begins with
    start: bytes
    end: bytes
    spread: list[tuple[bytes, bytes]]
    codings: list[bytes]

    @classmethod
    def of(cls, value: str, placeholder: str) -> "_Search":
        """Everything that a value may be found by."""
        plain = _bytes(value)
        is_halved = len(value) >= HALVED_LENGTH and not _UNHALVED.search(value)
        least = len(value) // 2 if is_halved else len(value)
        spelled = [_spellings(character) for character in value]
        anchors = {
            first: re.compile(b"".join(spelled[first:][: min(least, _ANCHOR)]))
            for first in (0, len(value) - least)
        }
        return cls(
            plain,
            placeholder.encode(),
            [re.compile(each) for each in spelled],
            least,
            [*anchors.items()],
            _bytes(value[:least]).lower(),
            _bytes(value[-least:]).lower(),
            [*_spaced(plain), *_numbers(plain)],
            _codings(value),
        )

    def unspelled(self, data: bytes) -> bytes:
        """Data without the value, or a half of it, however its letters are spelled."""
        for first, anchor in self.anchors:
            kept, done, at = [], 0, 0
            while found := anchor.search(data, at):
                read, end = min(self.least, _ANCHOR), found.end()
                for letter in self.letters[first + read :]:
                    more = letter.match(data, end)
                    if more is None:
                        break
                    read, end = read + 1, more.end()
                at = end if read >= self.least else found.start() + 1
                if read >= self.least:
                    kept += [data[done : found.start()], self.placeholder]
                    done = end
            data = b"".join([*kept, data[done:]])
        return data


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
            password = pair.partition(":")[2]
            yield password if len(password) >= ECHO_LENGTH else pair
            return
    for part in re.split(r"[;,]\s*", value):  # cookies, or parameters of a scheme
        held = part.partition("=")[2].strip('"')
        if len(held) >= ECHO_LENGTH:
            yield held


def _spaced(value: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Its letters and digits alone, also backwards and in ROT13, with what finds them.

    Whatever else the value or the text has between them is not looked at; it is taken
    once for all (possessive), or a text could be made to be tried in countless ways.
    """
    rotated = codecs.encode(value.decode("latin-1"), "rot13").encode("latin-1")
    for each in (value, value[::-1], rotated):
        letters = each.translate(_LOWER, _NO_LETTERS)
        if len(letters) >= _SKELETON_LENGTH:
            gap = rb"(?:\\+(?:u[0-9a-f]{4}|[nrt])|[^0-9a-z]){0,24}+"
            yield letters, b"(?i)" + gap.join(bytes([letter]) for letter in letters)


def _joined(data: bytes) -> bytes:
    """Data on one line, without spaces."""
    joined = data.translate(None, b" \t\n\r\f\v")
    return _BREAKS.sub(b"", joined) if b"\\" in joined else joined


def _spellings(character: str) -> bytes:
    """A pattern of one character, however it is escaped, and as UTF-8 or wider.

    Each way begins with a sign of its own, so that a search is quick.
    """
    number, plain = ord(character), _bytes(character)
    wide = character.encode("utf-16-be", errors="surrogatepass")
    units = (wide[at : at + 2].hex().encode() for at in range(0, len(wide), 2))
    either = [
        *(re.escape(_bytes(each)) for each in {character, character.swapcase()}),
        b"".join(rb"\\\\*(?:u|U(?:0000)?)\+?(?i:%b)" % unit for unit in units),
        rb"\\\\*[ux]\{0*(?i:%x)\}" % number,
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
    """How a value reads within base64, base32 and base85 of any surroundings.

    Base64 spells three bytes by four letters: what a value adds to it depends on its
    place among the three, and its first and last letters on its neighbours. So do the
    others, five bytes by eight letters and four by five.
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
    for before in range(5):
        whole = bytes(before) + _bytes(value)
        start, end = -(-before * 8 // 5), len(whole) * 8 // 5
        for encode in (base64.b32encode, base64.b32hexencode):
            coding = encode(whole)[start:end]
            found += [coding, coding.lower()]
    for before in range(4):  # four bytes by five letters, that no neighbour changes
        groups = _bytes(value)[before:]
        groups = groups[: len(groups) // 4 * 4]
        if len(groups) >= ECHO_LENGTH:
            plain = base64.a85encode(groups)
            escaped = json.dumps(plain.decode())[1:-1].encode()
            found += [plain, escaped, base64.b85encode(groups)]
    return sorted({*found}, key=len, reverse=True)


def _numbers(value: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Its bytes as numbers: what the text has without other signs, what finds them."""
    for form, sign in product(("02x", "d", "o", "03o", "08b"), _NUMBER_SIGNS):
        numbers = [format(byte, form).encode() for byte in value]
        between = rb"[^0-9a-z]{0,8}" + sign.replace(b"u", rb"u\+?")
        begun = b"" if form.startswith("0") else rb"(?<![0-9])"
        yield sign.join(numbers), b"(?i)" + begun + between.join(numbers)


def _broken(coding: bytes) -> bytes:
    """A pattern of base64 that goes over several lines."""
    return rb"(?:\s|\\+[rn])*".join(re.escape(bytes([each])) for each in coding)
