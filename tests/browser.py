"""Headless Chromium, driven over its DevTools protocol."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Page:
    """One tab. What the page throws or logs as an error is kept in `errors`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.errors: list[str] = []
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            elif told["method"] == "Runtime.exceptionThrown":
                self.errors.append(str(told["params"]["exceptionDetails"]))
            elif told["method"] == "Log.entryAdded":
                entry = told["params"]["entry"]
                if entry["source"] != "network":  # refusals are tested too
                    self.errors.append(str(entry))

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        told = await asyncio.wait_for(self._waiting[number], 90)
        assert "error" not in told, told
        return told["result"]

    async def open(self, url: str, width: int = 1280, height: int = 800) -> None:
        for domain in ("Runtime", "Log", "Page"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 800,
        )
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def evaluate(self, script: str) -> Any:
        told = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true."""
        for _ in range(600):
            if await self.evaluate(f"Boolean({script})"):
                return
            await self.evaluate("new Promise(done => setTimeout(done, 20))")
        shown = await self.evaluate("document.body.innerText")
        raise AssertionError(f"not true: {script}; {self.errors}; the page: {shown}")


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Page]:
    """Start Chromium with an empty profile and return its tab."""
    assert CHROMIUM is not None
    process = subprocess.Popen(  # noqa: ASYNC220 - it is started, not waited for
        [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"HOME": str(profile)},
    )
    try:
        port = await asyncio.to_thread(_devtools, process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as told:
                tabs = [tab for tab in await told.json() if tab["type"] == "page"]
            where = tabs[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(where, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                yield page
                listening.cancel()
    finally:
        process.kill()
        process.communicate()


def _devtools(process: subprocess.Popen[bytes]) -> int:
    """Read the port of the DevTools from what Chromium says at its start."""
    assert process.stderr is not None
    for line in process.stderr:
        if b"DevTools listening on " in line:
            return int(line.split(b"/devtools")[0].rpartition(b":")[2])
    raise AssertionError("Chromium ended before it listened")
