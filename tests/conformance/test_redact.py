"""Secrets never get past the transport."""

import base64
import codecs
import gzip
import html
import json
import quopri
import random
from textwrap import wrap
from urllib.parse import quote

import pytest

from aios_conformance.conformance.terms.redact import Redactor, header_variable

KEY = 'sk-"very"/secret é'


@pytest.fixture
def redactor() -> Redactor:
    return Redactor.of(KEY, "MY_KEY", [("X-Team", "blue-team-7"), ("X-Env", "1")])


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        r"sk-\"very\"/secret é",
        "sk-%22very%22%2Fsecret%20%C3%A9",
        f"Bearer {KEY}",
        f"twice {KEY} {KEY}",
        html.escape(KEY),
        "".join(f"&#x{ord(c):X};" for c in KEY),
        json.dumps(KEY).replace("/", r"\/"),
        "".join(f"\\u{ord(c):04X}" for c in KEY),
        "sk-%22very%22%2fsecret%20%c3%a9",
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"Bearer {KEY}".encode()).decode(),
        base64.urlsafe_b64encode(f"user:{KEY}".encode()).decode(),
        json.dumps(json.dumps(json.dumps(KEY))),
        repr(json.dumps(KEY)),
        KEY[:-1].upper() + KEY[-1],
        "".join(rf"\x{byte:02x}" for byte in KEY.encode()),
        "".join(rf"\{byte:03o}" for byte in KEY.encode()),
        "".join(f"\\u{{{ord(c):x}}}" for c in KEY),
        "".join(f"\\x{{{ord(c):x}}}" for c in KEY),
        quote(quote(KEY)),
        html.escape(html.escape(KEY)),
        quopri.encodestring(KEY.encode(), quotetabs=True).decode(),
        KEY.encode("utf-16-le").decode("latin-1"),
        KEY.encode().hex(":"),
        ", ".join(f"0x{byte:02X}" for byte in KEY.encode()),
        json.dumps([*KEY.encode()], indent=1),
        'sk-\\"very\\"\\/secret é',
        base64.b32encode(KEY.encode()).decode(),
        base64.b32encode(f"Bearer {KEY}".encode()).decode().lower(),
        base64.b85encode(KEY.encode()).decode(),
        base64.b64encode(base64.b64encode(KEY.encode())).decode(),
        base64.urlsafe_b64encode(base64.b32encode(KEY.encode())).decode().strip("="),
        base64.b64encode(base64.b64encode(f"Key: {KEY}".encode()).hex().encode()).hex(),
        base64.b64encode(quote(KEY).encode()).decode(),
        quote(base64.b64encode(f"{KEY}??>>".encode()), safe="").replace("%2B", "%2b"),
        base64.b64encode(json.dumps({"key": f"Bearer {KEY}"}).encode()).decode(),
        json.dumps("\n".join(wrap(base64.b64encode(KEY.encode()).decode(), 8))),
        "\\n".join(base64.encodebytes(KEY.encode() * 9).decode().split()),
        base64.b64encode(gzip.compress(KEY.encode(), mtime=0)).decode(),
        KEY[::-1],
        codecs.encode(KEY, "rot13"),
        "\u200b".join(KEY),
        json.dumps(json.dumps([*KEY])),
        " ".join(KEY),
        KEY[:9] + "\n" + KEY[9:],
        " ".join(f"{byte}" for byte in KEY.encode()),
        " ".join(f"{byte:08b}" for byte in KEY.encode()),
        " ".join(f"U+{byte:04X}" for byte in KEY.encode()),
    ],
)
def test_an_echoed_key_is_replaced(redactor: Redactor, echo: str) -> None:
    redacted = redactor.bytes(echo.encode()).decode()
    assert "$MY_KEY" in redacted
    assert "secret" not in redacted.lower()


def test_a_key_in_base64_of_several_lines_is_replaced() -> None:
    key = "".join(f"part-{n}/" for n in range(30))
    told = base64.encodebytes(f"Bearer {key} and so on".encode()).decode()
    for echo in (told, json.dumps(told)):
        redacted = Redactor.of(key, "KEY").text(echo)
        assert "$KEY" in redacted
        assert len(redacted) < 60


def test_a_header_s_secret_is_known_without_its_scheme() -> None:
    login = base64.b64encode(b"me:letmein-77").decode()
    given = [("Authorization", "Bearer sk-bare-secret"), ("X-Login", f"Basic {login}")]
    redactor = Redactor.of(None, "KEY", given)
    assert redactor.text("sk-bare-secret") == "$AIOS_HEADER_AUTHORIZATION"
    assert redactor.text("letmein-77") == "$AIOS_HEADER_X_LOGIN"


def test_what_a_cookie_holds_is_a_secret_each() -> None:
    redactor = Redactor.of(None, "KEY", [("Cookie", 'a=1; s="sk-in=a-cookie"; t=ok')])
    assert redactor.text("sk-in=a-cookie 1 ok") == "$AIOS_HEADER_COOKIE 1 ok"


def test_extra_header_values_are_secrets_too(redactor: Redactor) -> None:
    assert redactor.text("you are blue-team-7") == "you are $AIOS_HEADER_X_TEAM"


def test_short_values_are_replaced_only_where_they_are_sent(
    redactor: Redactor,
) -> None:
    assert redactor.bytes(b'{"index": 1}') == b'{"index": 1}'
    sent = redactor.sent_headers([("X-Env", "1"), ("Accept", "*/*")])
    assert sent == (("X-Env", "$AIOS_HEADER_X_ENV"), ("Accept", "*/*"))


def test_a_short_key_is_replaced_after_bearer() -> None:
    redactor = Redactor.of("none", "AIOS_API_KEY")
    assert (
        redactor.text('{"auth": "Bearer none"}') == '{"auth": "Bearer $AIOS_API_KEY"}'
    )
    assert redactor.text('{"tool_choice": "none"}') == '{"tool_choice": "none"}'
    assert redactor.text("Bearer nonesuch") == "Bearer nonesuch"


def test_the_authorization_header_names_the_variable(redactor: Redactor) -> None:
    ((_, value),) = redactor.sent_headers([("Authorization", f"Bearer {KEY}")])
    assert value == "Bearer $MY_KEY"


def test_a_secret_inside_another_leaves_no_rest() -> None:
    redactor = Redactor.of("abcdef", "KEY", [("X-Long", "abcdef-and-more")])
    assert redactor.text("abcdef-and-more abcdef") == "$AIOS_HEADER_X_LONG $KEY"


def test_a_host_that_a_header_names_hides_no_other() -> None:
    header = ("x-upstream", "http://127.0.0.1:8210/v1")
    redactor = Redactor.of(None, "KEY", [header])
    told = "http://127.0.0.1:8205/v1 sent it on to http://127.0.0.1:8210/v1/score"
    hidden = "http://127.0.0.1:8205/v1 sent it on to $AIOS_HEADER_X_UPSTREAM/score"
    assert redactor.text(told) == hidden


def test_the_half_of_a_key_is_replaced() -> None:
    key = "sk-proj-0123456789-abcdefghij"
    redactor = Redactor.of(key, "KEY")
    assert redactor.text(f"no key {key[:-9]}…") == "no key $KEY…"
    assert redactor.text(f"…{key[9:]} is none") == "…123456$KEY is none"
    assert redactor.text(json.dumps(quote(key[:20]))) == '"$KEY"'
    assert redactor.text("sk-proj-0… is a key") == "sk-proj-0… is a key"
    login = base64.b64encode(b"administer:sk:0123456789-abc").decode()
    redactor = Redactor.of(None, "KEY", [("X", f"Basic {login}")])
    assert redactor.text("administer, sk:01234567") == "administer, $AIOS_HEADER_X"


def test_what_only_looks_coded_is_left_as_it_is(redactor: Redactor) -> None:
    draw = random.Random(0)  # noqa: S311
    numbers = json.dumps([draw.gauss() for _ in range(99)])
    vector = base64.b64encode(draw.randbytes(999)).decode()
    other = base64.b64encode(base64.b64encode(b"nothing that anybody hides")).decode()
    for text in (numbers, vector, other, other.encode().hex(), "sk-is the prefix of"):
        assert redactor.text(text) == text


def test_without_secrets_nothing_changes() -> None:
    assert Redactor.of(None, "KEY").bytes(b"\xff Bearer x") == b"\xff Bearer x"


def test_bytes_that_are_no_text_survive(redactor: Redactor) -> None:
    assert redactor.text("\udcff") == "\udcff"


def test_header_variables_are_shell_names() -> None:
    assert header_variable("X-Api.Key ") == "AIOS_HEADER_X_API_KEY"


@pytest.mark.parametrize("length", [300, 1_500, 4_000])
def test_a_key_of_any_length_is_found_whole_and_by_its_halves(length: int) -> None:
    key = random.Random(length).randbytes(length // 2).hex()  # noqa: S311
    half = length // 2
    spelled = "".join(f"\\u{ord(each):04x}" for each in key)
    hidden = Redactor.of(key, "K").text(f"{key} {key[:half]} {key[-half:]} {spelled}")
    assert hidden == "$K $K $K $K"


def test_no_text_is_tried_in_countless_ways() -> None:
    """A target that knows the key may write it so that most of it stands apart."""
    key = "abcdefghijklmnop1234"
    apart = "".join("\\" * 12 + "n" + each for each in key[:-1])
    hidden = Redactor.of(key, "K").text(f"{apart} {'-'.join(key)}")
    assert hidden.endswith(" $K")


@pytest.mark.parametrize("before", [0, 1, 20_000])
def test_a_key_among_the_coded_numbers_of_a_vector_is_found(
    redactor: Redactor, before: int
) -> None:
    numbers = random.Random(5).randbytes(40_000)  # noqa: S311
    key = KEY.swapcase().encode()
    data = b"%b%b%b" % (numbers[:before], key, numbers[before:])
    vector = base64.b64encode(data).decode()
    assert redactor.text(f'"{vector}"') == '"$MY_KEY"'
    assert "$" not in redactor.text(base64.b64encode(numbers).decode())
