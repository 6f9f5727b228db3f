"""Real clients against the mock, where their packages are: `.ci/run` brings them."""

import sys

import pytest
from installed import tool

TOOL = tool("clients")
CLIENTS = TOOL.clients()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_finds_what_it_wants(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not TOOL.is_made(CLIENTS[name]):
        pytest.skip(f"its packages are not here: python tools/clients.py --make {name}")
    monkeypatch.setattr(sys, "argv", ["clients.py", name])
    assert TOOL.main() == 0, capsys.readouterr().out
