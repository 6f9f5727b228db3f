"""All tests at once on all processors, and real servers on free ports."""

import asyncio
import gc
import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import settings
from plain_http import Client

from aios_conformance.serving.run import runner_of

settings.register_profile(
    "untimed", deadline=None
)  # how busy the machine is says naught
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)  # before xdist reads its options
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Give a run of all the tests every processor, unless it has options of its own.

    One process more than there are processors: many a test waits for what it started.

    A few tests that are named run in this process, where starting others would take
    longer than they do.
    """
    is_everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if "PYTEST_XDIST_WORKER" in os.environ or hasattr(config, "workerinput"):
        return  # a worker that started workers would never come to an end
    if is_everything and getattr(config.option, "numprocesses", 0) is None:
        config.option.numprocesses = (os.cpu_count() or 1) + 1
        config.option.dist = "loadfile"  # fixtures of a module are made once
        config.option.loadscopereorder = False  # see below


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: garbage is not looked for among it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no processor waits at the end."""
    items.sort(key=lambda item: not {"system", "reference_impl"} & {*item.path.parts})


@contextmanager
def _running(app: web.Application) -> Iterator[Client]:
    """Serve an application from a thread of its own."""
    loop = asyncio.new_event_loop()
    runner = runner_of(app, grace=1.0)

    async def start() -> str:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    url = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Client(url)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture(scope="session")
def running() -> Callable[[web.Application], AbstractContextManager[Client]]:
    """Return the context manager that serves an application on a free port."""
    return _running


@pytest.fixture(scope="session")
def plan_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all tests, in all processes: a plan is drawn once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "plans"
