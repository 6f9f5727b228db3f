"""`--config FILE`: options from a file, strictly read; the command line goes first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from miniatures import encoders_only, listening
from plugged import QUICK, report

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.options.config_file import with_config
from aios_conformance.conformance.options.settings import read_options, take_options
from aios_conformance.conformance.options.table import (
    AGAINST,
    ONLY,
    OPTIONS,
    TARGET,
)
from aios_conformance.conformance.options.values import OptionError, RunOptions

pytest_plugins = ["pytester"]


def made(folder: Path, text: str, *words: str) -> RunOptions:
    path = folder / "aios-conformance.toml"
    path.write_text(text)
    values, _ = take_options([f"--config={path}", *words])
    return read_options(with_config(values), {"KEY": "secret"})


def test_a_file_says_what_the_command_line_would(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("[]")
    (tmp_path / "ca.pem").write_text("")
    text = """
target = "http://h:1"
dialect = "aios"
model = ["llama", "rerank=bge"]
apis = ["rerank", "score"]
without = "tools,n"
api-key-env = "KEY"
header = "X-Tenant: blue"
preset = "deep"
max-requests = 9
rate = 0.5
max_time = 60
waivers = "waivers.yaml"
fail-on = ["should"]
report-dir = "out"
ca-bundle = "ca.pem"
hypothesis-seed = 7
insecure = false
"""
    assert made(tmp_path, text) == RunOptions(
        "http://h:1",
        models={"*": "llama", "rerank": "bge"},
        apis=("rerank", "score"),
        without=("tools", "n"),
        api_key="secret",
        api_key_env="KEY",
        headers=(("X-Tenant", "blue"),),
        preset="deep",
        max_requests=9,
        rate=0.5,
        max_time_s=60.0,
        fail_on=("must", "should"),
        report_dir=tmp_path / "out",
        ca_bundle=tmp_path / "ca.pem",
        seed=7,
    )


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    text = 'target = "http://file"\npreset = "deep"\nmodel = ["a"]\nrate = 1\n'
    found = made(tmp_path, text, "--target=http://line", "--preset=smoke", "--model=b")
    assert (found.target, found.preset, found.rate) == ("http://line", "smoke", 1.0)
    assert found.models == {"*": "b"}


def test_every_option_can_stand_in_a_file(tmp_path: Path) -> None:
    """But the file itself; as a user finds out who misspells one."""
    with pytest.raises(OptionError) as caught:
        made(tmp_path, "nonsense = 1")
    named = str(caught.value).partition("valid are ")[2].split(", ")
    options = (TARGET, *OPTIONS, ONLY, *AGAINST)
    flags = [option.flag.removeprefix("--") for option in options]
    assert named == [flag for flag in flags if flag != "config"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('presett = "smoke"', "unknown key presett (did you mean preset?); valid are"),
        ("[tool]\nx = 1", "unknown key tool"),
        ("[apis]\nx = 1", "apis must be a text or a list of texts, and is a table"),
        ('max-requests = "9"', "max-requests must be a number, and is '9'"),
        ("max-requests = true", "max-requests must be a number, and is True"),
        ('insecure = "yes"', "insecure must be true or false, and is 'yes'"),
        ("preset = 1", "preset must be a text, and is 1"),
        ("header = 4711", "must be a text or a list of texts, and is something else"),
        ("apis = [1]", "apis must be a text or a list of texts, and is a list"),
        ('preset = "smok"', "preset smok: valid are smoke, standard, deep"),
        ('apis = ["scroe"]', "apis scroe: valid are"),
        ("max-requests = 0", "max-requests 0: must be at least 1"),
        ('waivers = "none.yaml"', "none.yaml: no such file"),
        ('baseline = "none"', "none: cannot be read"),
        ("preset = ]", "cannot be read as TOML: Invalid value (at line 1, column 10)"),
    ],
)
def test_what_is_wrong_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        made(tmp_path, text, "--target=mock")
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "aios-conformance.toml")) or (
        "none" in text
    )


@pytest.fixture
def url() -> Iterator[str]:
    with listening(encoders_only) as address:
        yield address


def test_a_run_needs_nothing_but_its_file(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "aios-conformance.toml"
    path.write_text(
        f'target = "{url}"\npreset = "smoke"\napis = "embeddings"\nreport-dir = "out"\n'
    )
    assert main(["run", f"--config={path}", "--plan"]) == 0
    assert main(["plan", f"--config={path}"]) == 0
    first, _, second = capsys.readouterr().out.partition("Nothing was sent.\n")
    assert first == second.removesuffix("Nothing was sent.\n")
    assert main(["run", f"--config={path}"]) == 0
    assert (tmp_path / "out/report.json").is_file()
    assert main(["judge", str(tmp_path / "out"), f"--config={path}"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--config=nowhere.toml"], "--config nowhere.toml: cannot be read"),
        (["run"], "required: URL|mock|reference"),
    ],
)
def test_a_missing_file_is_told(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(words) == 4
    assert said in capsys.readouterr().err


def test_pytest_takes_the_file_too(pytester: pytest.Pytester, url: str) -> None:
    path = pytester.path / "aios.toml"
    path.write_text('apis = "embeddings"\npreset = "smoke"\ntarget = "mock"\n')
    words = (f"--target={url}", *QUICK[:2], "--config=aios.toml", "-k", "EMB-RES-001")
    result = pytester.runpytest(*words)
    assert result.ret == 0
    assert report(pytester.path)["preset"] == "smoke"
    path.write_text('preset = "smok"\n')
    result = pytester.runpytest(*words)
    assert result.ret == 4
    assert "aios.toml: preset smok: valid are" in result.stderr.str()


def values_of(*words: str) -> Any:
    return take_options(words)[0]


def test_without_a_file_nothing_changes() -> None:
    assert with_config(values_of("--target=mock")) == values_of("--target=mock")
