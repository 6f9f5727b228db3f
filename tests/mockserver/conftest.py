"""A mock for a module of tests, as new for each of them; its command."""

import os
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess

import pytest

from aios_conformance.mockserver.__main__ import main
from aios_conformance.mockserver.embedded import LocalMock, local_mock


@pytest.fixture(scope="module")
def server() -> Iterator[LocalMock]:
    with local_mock() as mock:
        yield mock


@pytest.fixture
def mock(server: LocalMock) -> LocalMock:
    server.reset()
    return server


@pytest.fixture
def command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CompletedProcess[str]]:
    """Run `aios-mock` in this process, where it has been imported, to its end."""

    def run(*argv: str, **environ: str) -> CompletedProcess[str]:
        for name in [name for name in os.environ if "AIOS" in name]:
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main(argv)
        return CompletedProcess(argv, code, *capfd.readouterr())

    return run
