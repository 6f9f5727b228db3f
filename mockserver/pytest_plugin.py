"""Fixtures for the tests of a client; off until a project asks for them.

In a `conftest.py`: `pytest_plugins = ["aios_conformance.mockserver.pytest_plugin"]`.
One mock a session and process (so also one for each xdist worker), on a free port,
reset for each test.
"""

from collections.abc import Iterator, Sequence

import pytest

from aios_conformance.mockserver.embedded import LocalMock, local_mock

_KEY = "mock"


@pytest.fixture(scope="session")
def aios_mock_options() -> Sequence[str]:
    """Options of `aios-mock`; a project overrides this fixture to change them."""
    return ()


@pytest.fixture(scope="session")
def aios_mock_server(aios_mock_options: Sequence[str]) -> Iterator[LocalMock]:
    """Serve one mock for all tests of this process."""
    with local_mock(*aios_mock_options) as mock:
        yield mock


@pytest.fixture
def aios_mock(
    aios_mock_server: LocalMock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalMock]:
    """Return the mock, as new, with the OpenAI client's variables pointing to it."""
    aios_mock_server.reset()
    monkeypatch.setenv("OPENAI_BASE_URL", aios_mock_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", _KEY)
    yield aios_mock_server
    aios_mock_server.reset()
