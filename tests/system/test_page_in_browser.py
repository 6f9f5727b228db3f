"""The page at `/_mock/` in a real browser, on a desk and on a phone.

It needs Chromium; `.ci/run` installs it where it can.
"""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Page, chromium

from aios_conformance.mockserver.embedded import LocalMock, local_mock

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

MODEL = "meta-llama/Llama-3.3-70B-Instruct"
EVIL = "<img src=x onerror=\"document.title='evil'\"><b>weather</b>"
LIVE = "document.getElementById('live')?.className === 'on'"


@pytest.fixture
def mock() -> Iterator[LocalMock]:
    with local_mock("--ttft-ms", "5", "--itl-ms", "2", "--journal", "10000") as mock:
        yield mock


def post(mock: LocalMock, path: str, body: Any) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer any"}
    data = json.dumps(body).encode()
    urllib.request.urlopen(  # noqa: S310 - our own server
        urllib.request.Request(f"{mock.url}{path}", data, headers)  # noqa: S310
    ).read()


def chat(mock: LocalMock, **more: Any) -> None:
    messages = [{"role": "user", "content": EVIL}]
    post(mock, "/v1/chat/completions", {"model": MODEL, "messages": messages, **more})


def browse(tmp_path: Path, act: Callable[[Page], Awaitable[None]]) -> None:
    async def run() -> None:
        async with chromium(tmp_path / "profile") as page:
            await act(page)
            assert page.errors == []

    asyncio.run(run())


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_requests_are_listed_shown_and_copied(
    mock: LocalMock, tmp_path: Path, width: int, height: int
) -> None:
    async def act(page: Page) -> None:
        await page.open(f"{mock.url}/_mock/", width, height)
        await page.until(f"{LIVE} && rows.textContent.includes('Nothing yet')")
        await asyncio.to_thread(chat, mock, stream=True)
        await asyncio.to_thread(chat, mock, temprature=1)
        await page.until("document.querySelectorAll('.row').length === 2")
        await page.until("rows.textContent.includes('1 remark')")
        # with the keyboard alone
        await page.evaluate("list.focus()")
        for key in ("End", "Enter"):
            await page.evaluate(
                f"list.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}))"
            )
        await page.until("document.querySelectorAll('#track i').length > 3")
        shown = await page.evaluate("document.getElementById('detail').textContent")
        assert "<b>weather</b>" in shown
        assert "first after" in shown
        assert await page.evaluate("document.querySelectorAll('b, img').length") == 0
        assert await page.evaluate("document.title") == "aios-mock"
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert await page.evaluate(wide)
        hidden = "getComputedStyle(document.getElementById('left')).display === 'none'"
        assert await page.evaluate(hidden) is (width < 800)

    browse(tmp_path, act)


def test_filters_rules_faults_and_the_verdict(mock: LocalMock, tmp_path: Path) -> None:
    chat(mock)
    post(mock, "/v1/embeddings", {"model": "sds/bge-m3", "input": "needle"})
    mock.rules({"name": "one", "match": {}, "respond": {"text": "Scripted."}})

    async def act(page: Page) -> None:
        count = "document.querySelectorAll('.row').length"
        await page.open(f"{mock.url}/_mock/")
        await page.until(f"{LIVE} && {count} === 2")
        await page.evaluate("api.value = 'chat'; api.onchange()")
        await page.until(f"{count} === 1")
        await page.evaluate("api.value = ''; api.onchange()")
        await page.evaluate("$('text').value = 'NEEDLE'; $('text').oninput()")
        await page.until(f"{count} === 1 && rows.textContent.includes('embeddings')")
        await page.evaluate("$('tab-rules').click()")
        await page.until("document.querySelector('#rule-list input')?.checked")
        await page.evaluate("document.querySelector('#rule-list input').click()")
        await page.until("said.textContent === 'one is off.'")
        await page.evaluate("$('rule-text').value = '{\"rules\": [{\"a\": 1}]}'")
        await page.evaluate("$('rule-put').click()")
        await page.until("said.textContent.includes('/rules/0')")
        await page.evaluate("$('tab-faults').click()")
        await page.until("document.querySelectorAll('#kinds button').length > 9")
        await page.evaluate("$('fault-text').value = '503'; $('fault-put').click()")
        await page.until("$('fault-text').value === '503=1'")
        await page.evaluate("$('tab-verdict').click()")
        await page.until("$('verdict-list').textContent.includes('members-are-known')")

    browse(tmp_path, act)
    urls = [f"{mock.url}/_mock/{name}" for name in ("rules", "faults")]
    rules, faults = (json.load(urllib.request.urlopen(url)) for url in urls)  # noqa: S310
    assert [rule["off"] for rule in rules["rules"]] == [True]
    assert faults["faults"] == ["503=1"]


def test_ten_thousand_entries_are_few_rows(mock: LocalMock, tmp_path: Path) -> None:
    body = {"model": "sds/bge-reranker-v2-m3", "text_1": "a", "text_2": "b"}
    post(mock, "/v1/score", body)

    async def act(page: Page) -> None:
        await page.open(f"{mock.url}/_mock/")
        await page.until(f"{LIVE} && entries.size === 1")
        entry = "const one = entries.values().next().value;"
        made = "Array.from({length: 10000}, (_, n) => ({...one, number: n + 1}))"
        await page.evaluate(f"(() => {{ {entry} take({made}); }})()")
        await page.until("shown.length === 10000 && drawing === false")
        assert await page.evaluate("document.querySelectorAll('.row').length") < 50
        begun = await page.evaluate("performance.now()")
        taken = await page.evaluate("filter(), performance.now()") - begun
        assert taken < 500  # milliseconds; some 4 where nothing else runs
        await page.evaluate("list.scrollTop = 44 * 5000")
        await page.until("document.getElementById('row-5000')")

    browse(tmp_path, act)


def test_the_key_is_asked_for(tmp_path: Path) -> None:
    with local_mock("--api-key", "right") as mock:

        async def act(page: Page) -> None:
            await page.open(f"{mock.url}/_mock/")
            await page.until("$('ask').open")
            await page.evaluate("$('key').value = 'right'; $('ask').close()")
            await page.until(LIVE)

        browse(tmp_path, act)
