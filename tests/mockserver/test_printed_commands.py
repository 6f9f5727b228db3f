"""The commands that the documents print, run by a shell against the mock."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from aios_conformance import spec
from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.options import read_options

COMMANDS = yaml.safe_load(
    Path(__file__).with_name("printed_commands.yaml").read_text()
)["commands"]
ROOT = Path(__file__).resolve().parents[2]


def printed(dialect: str, name: str) -> Any:
    return next(one.body for one in spec.examples(dialect).values() if one.id == name)


@pytest.fixture(scope="module")
def urls(running: Any) -> Iterator[Mapping[str, str]]:
    dialects = {one["dialect"]: one["dialect"] for one in COMMANDS}
    options = [word for name in dialects for word in ("--dialect", name)]
    app = mock_application(read_options([*options, "--self-check"], {}))
    with running(app) as client:
        yield {name: f"{client.url}/{name}" for name in dialects}


@pytest.mark.parametrize("one", COMMANDS, ids=[one["id"] for one in COMMANDS])
def test_a_printed_command_is_answered_as_printed(
    urls: Mapping[str, str], tmp_path: Path, one: Mapping[str, str]
) -> None:
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    command = one["command"].replace(one["host"], urls[one["dialect"]])
    ended = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"CURL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    answer = printed(one["dialect"], one["id"].replace("-REQ", "-RES"))
    assert json.loads(ended.stdout).keys() == answer.keys()


@pytest.mark.parametrize("one", COMMANDS, ids=[one["id"] for one in COMMANDS])
def test_a_command_sends_the_body_of_the_example(one: Mapping[str, str]) -> None:
    words = shlex.split(one["command"].replace("\\\n", " "))
    data = next(i for i, word in enumerate(words) if word in {"-d", "--data"})
    assert json.loads(words[data + 1]) == printed(one["dialect"], one["id"])


def test_every_repair_is_told() -> None:
    told = (ROOT / "mockserver/README.md").read_text()
    for one in COMMANDS:
        assert f"| {one['source']} |" in told
        assert one.get("repair", "nothing") in told
