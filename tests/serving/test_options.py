"""Command line, environment, file, default: in this order."""

import argparse
import re
from pathlib import Path
from typing import Any

import pytest

from aios_conformance.serving.options import (
    Option,
    OptionError,
    OptionParser,
    resolve,
)
from aios_conformance.serving.server_options import port, positive, whole

OPTIONS = (
    Option("speed", "how fast", 1, positive, "N"),
    Option("loud", "make noise", default=False, flag=True),
    Option("name", "who", default=(), repeat=True),
    Option("label", "a key", variable="THE_KEY"),
)


def resolved(*argv: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    return resolve(
        OPTIONS,
        argv=argv,
        environ=environ or {},
        prefix="APP",
        parser=OptionParser(),
    )


@pytest.fixture
def config(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        path = tmp_path / "app.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_the_default_comes_last(config: Any) -> None:
    file = config("speed: 2\nloud: true\nname: [a, b]\nlabel: 5\n")
    assert resolved() == {
        "speed": 1,
        "loud": False,
        "name": (),
        "label": None,
        "config": None,
    }
    from_file = resolved("--config", file)
    assert from_file["speed"] == 2
    assert from_file["loud"] is True
    assert from_file["name"] == ["a", "b"]
    assert from_file["label"] == "5"
    environ = {"APP_SPEED": "3", "APP_LOUD": "no", "APP_NAME": "c, d", "THE_KEY": "k"}
    from_environment = resolved("--config", file, environ=environ)
    assert from_environment["speed"] == 3
    assert from_environment["loud"] is False
    assert from_environment["name"] == ["c", "d"]
    assert from_environment["label"] == "k"
    line = resolved(
        "--speed", "4", "--loud", "--name", "e", "--config", file, environ=environ
    )
    assert (line["speed"], line["loud"], line["name"]) == (4, True, ["e"])


def test_a_switch_can_be_turned_off_again() -> None:
    assert resolved("--no-loud", environ={"APP_LOUD": "1"})["loud"] is False


def test_the_file_may_be_named_by_the_environment(config: Any) -> None:
    environ = {"APP_CONFIG": config("speed: 9")}
    assert resolved(environ=environ)["speed"] == 9


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"APP_SPEED": "0"}, r"\$APP_SPEED: must be at least 1, got 0"),
        ({"APP_SPEED": "x"}, r"\$APP_SPEED: must be a whole number, got 'x'"),
        ({"APP_LOUD": "maybe"}, r"\$APP_LOUD must be true or false, got 'maybe'"),
    ],
)
def test_a_bad_environment_is_named(environ: dict[str, str], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        resolved(environ=environ)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("loud: no\nspeed: 0", r"app\.yaml:2:8: speed: must be at least 1"),
        ("speed: {a: 1}", "speed must be a single value"),
        ("swift: 1", "knows no 'swift'; valid are speed, loud, name, label"),
        ("labell: 1", "1:1: .* knows no 'labell', the nearest is 'label'; valid"),
        ("speed: 0\nswift: 1", r"speed: must(.|\n)*'swift'"),
        ("speed: 1\nspeed: 2", "2:1: 'speed' is said twice"),
        ("- a", "must be a mapping"),
        ("a: [", r"yaml:2:1: is no YAML"),
    ],
)
def test_a_bad_file_is_named(config: Any, text: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        resolved("--config", config(text))


def test_an_empty_file_says_nothing(config: Any) -> None:
    assert resolved("--config", config(""))["speed"] == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"missing\.yaml: cannot be read"):
        resolved("--config", str(tmp_path / "missing.yaml"))


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("--speed 0", r"argument --speed: must be at least 1, got 0$"),
        ("--speeed 2", r"--speeed 2 \(did you mean --speed\?\); .*--help tells all$"),
        ("--config a --config b", "--config: can be given once only"),
    ],
)
def test_a_bad_line_is_named(argv: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        resolved(*argv.split())


def test_variables_that_are_no_options_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    resolved(environ={"APP_SPEEDS": "2", "APP_SERVICE_HOST": "x", "OTHER": "y"})
    assert capsys.readouterr().err.splitlines() == [
        "$APP_SERVICE_HOST has no effect",
        "$APP_SPEEDS has no effect; did you mean $APP_SPEED?",
    ]


@pytest.mark.parametrize("text", ["-1", "65536", "http"])
def test_ports_have_bounds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        port(text)
    assert port("0") == 0


def test_whole_numbers_may_be_negative() -> None:
    assert whole("-3") == -3


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        resolved("--version")
    assert ended.value.code == 0
    assert re.fullmatch(r"\S+ \d+\.\d+\S*\n", capsys.readouterr().out)
