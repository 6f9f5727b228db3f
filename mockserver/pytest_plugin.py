"""Fixtures for the tests of a client; off until a project asks for them.

In a `conftest.py`: `pytest_plugins = ["aios_conformance.mockserver.pytest_plugin"]`.
One mock a session and process (so also one for each xdist worker), on a free port,
reset for each test.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from aios_conformance.mockserver.embedded import LocalMock, local_mock

_KEY = "mock"
_MARKER = "aios_tape"
_HELP = (
    f"{_MARKER}(path=None, **options): play this tape, relative to the test's file; "
    "without a path tapes/MODULE/TEST.jsonl. Options as for aios_mock.tape()."
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _HELP)


@pytest.fixture(scope="session")
def aios_mock_options() -> Sequence[str]:
    """Options of `aios-mock`; a project overrides this fixture to change them."""
    return ()


@pytest.fixture(scope="session")
def aios_mock_server(aios_mock_options: Sequence[str]) -> Iterator[LocalMock]:
    """Serve one mock for all tests of this process."""
    with local_mock(*aios_mock_options) as mock:
        yield mock


@pytest.fixture(scope="session")
def aios_mock_record() -> str | None:
    """The server that tapes are recorded from; None: what they lack is refused."""
    return os.environ.get("AIOS_MOCK_RECORD")


@pytest.fixture
def aios_mock(
    aios_mock_server: LocalMock,
    aios_mock_record: str | None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LocalMock]:
    """Return the mock, as new, with the OpenAI client's variables pointing to it.

    While tapes are recorded, the key stays what it is.
    """
    aios_mock_server.reset()
    monkeypatch.setenv("OPENAI_BASE_URL", aios_mock_server.base_url)
    if not (aios_mock_record and "OPENAI_API_KEY" in os.environ):
        monkeypatch.setenv("OPENAI_API_KEY", _KEY)
    marker = request.node.get_closest_marker(_MARKER)
    if marker is not None:
        options = {"record": aios_mock_record, **marker.kwargs}
        aios_mock_server.tape(_tape(request, *marker.args), **options)
    yield aios_mock_server
    aios_mock_server.reset()


def _tape(request: pytest.FixtureRequest, path: str | None = None) -> Path:
    """Return the path of a test's tape."""
    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    return request.path.parent / (path or f"tapes/{request.path.stem}/{name}.jsonl")
