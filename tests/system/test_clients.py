"""Real clients against the mock, where their packages are: `.ci/run` brings them."""

import subprocess
import sys

import pytest
from installed import ROOT, tool

TOOL = tool("clients")
CLIENTS = TOOL.clients()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_finds_what_it_wants(name: str) -> None:
    if not TOOL.is_made(CLIENTS[name]):
        pytest.skip(f"its packages are not here: python tools/clients.py --make {name}")
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tools/clients.py"), name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
