"""Bundled servers are started, listened to, and stopped."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aios_conformance.conformance.observing import servers
from aios_conformance.conformance.observing.servers import serving, within_claims
from aios_conformance.conformance.options.values import RunOptions, TargetError
from aios_conformance.conformance.terms.events import RunEvent, TargetStarted

Fake = Callable[[str], None]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A module that stands in for the mock server."""

    def write(text: str) -> None:
        (tmp_path / "fake_server.py").write_text(text)

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(servers.MODULES, "mock", "fake_server")
    return write


def visited(options: RunOptions) -> tuple[str, list[RunEvent]]:
    heard: list[RunEvent] = []

    async def story() -> str:
        async with serving(options, heard.append, [options.dialect]) as url:
            return url

    return asyncio.run(story()), heard


TALKS = """
import os, signal, sys, time
print("loading")
print("key", os.environ.get("AIOS_API_KEY"), "args", sys.argv[1:])
print("listening on http://127.0.0.1:1234/", flush=True)
print("pid", os.getpid(), flush=True)
signal.pause()
"""


def test_a_url_is_used_as_it_is() -> None:
    assert visited(RunOptions("http://h/x"))[0] == "http://h/x"


def test_a_server_says_where_it_listens(fake: Fake) -> None:
    fake(TALKS)
    url, heard = visited(RunOptions("mock", api_key="k", dialect="infinity"))
    assert url == "http://127.0.0.1:1234"
    said = [e.message for e in heard if isinstance(e, TargetStarted)]
    assert said[0] == "loading"
    given = ["--port", "0", "--until-eof", "--dialect", "infinity"]
    assert said[1] == f"key k args {given}"


def test_a_key_of_our_own_environment_is_not_passed_on(
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIOS_API_KEY", "another")
    fake(TALKS)
    _, heard = visited(RunOptions("mock"))
    assert "key None args" in str(heard)


def test_a_server_is_stopped_again(fake: Fake) -> None:
    fake(TALKS)
    pids: list[int] = []

    def listen(event: RunEvent) -> None:
        if isinstance(event, TargetStarted) and event.message.startswith("pid"):
            pids.append(int(event.message.split()[1]))

    async def story() -> None:
        told = asyncio.Event()

        def hear(event: RunEvent) -> None:
            listen(event)
            if pids:
                told.set()

        async with serving(RunOptions("mock"), hear, ["aios"]):
            await told.wait()

    asyncio.run(story())
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_server_that_does_not_stop_is_killed(
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(servers, "STOP_S", 0.1)
    fake("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + TALKS)
    visited(RunOptions("mock"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; print('no port'); sys.exit(3)", "exit 3, saying: no port"),
        ("import sys; sys.exit(3)", "exit 3, saying: nothing"),
    ],
)
def test_a_server_that_ends_is_told_with_its_last_words(
    fake: Fake, text: str, said: str
) -> None:
    fake(text)
    with pytest.raises(TargetError, match=said) as caught:
        visited(RunOptions("mock"))
    assert caught.value.code == "server-not-started"


def test_a_server_that_never_listens_is_not_waited_for(
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(servers.START_S, "mock", 0.2)
    fake("import signal\nprint('busy', flush=True)\nsignal.pause()\n")
    with pytest.raises(TargetError, match=r"did not start within 0\.2 s"):
        visited(RunOptions("mock"))


def test_a_folder_of_the_same_name_does_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mockserver").mkdir()
    (tmp_path / "mockserver" / "__main__.py").write_text("print('impostor')")
    monkeypatch.chdir(tmp_path)

    async def health() -> int:
        async with serving(RunOptions("mock"), lambda _: None, ["aios"]) as url:
            return await asyncio.to_thread(
                lambda: urllib.request.urlopen(f"{url}/health").status  # noqa: S310
            )

    assert asyncio.run(health()) == 200


ORPHANED = """
import asyncio, os, signal
from aios_conformance.conformance.observing.servers import serving
from aios_conformance.conformance.options.values import RunOptions

async def main():
    async with serving(RunOptions("mock"), lambda _: None, ["aios"]) as url:
        print(url, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def _listens(host: str, port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex((host, port)) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_server_ends_with_who_started_it_however_that_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHANED],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    where = urlsplit(done.stdout.strip())
    deadline = time.monotonic() + 30
    while _listens(where.hostname or "", where.port or 0):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("dialect", ["infinity", "aihubmix"])
def test_the_reference_claims_vectors_of_one_length(dialect: str) -> None:
    given = RunOptions("reference", dialect=dialect, without=("base64",))
    assert within_claims(given).without == ("base64", "dimensions")
    assert within_claims(within_claims(given)) == within_claims(given)


@pytest.mark.parametrize(
    "options",
    [
        RunOptions("reference"),  # AIOS knows no dimensions
        RunOptions("mock", dialect="infinity"),
        RunOptions("http://127.0.0.1:8001", dialect="infinity"),
    ],
)
def test_of_others_everything_is_asked(options: RunOptions) -> None:
    assert within_claims(options) == options
