"""No artefact and no terminal shows a key, however a target spells it."""

import asyncio
import base64
import gzip
import html
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from raw import Writer, answer, saying

from aios_conformance.conformance.cli.command import main

KEY = "sk-Geheim/77+x&y<z"
BEARER = f"Bearer {KEY}"
PIECES = [KEY[i : i + 3] for i in range(0, len(KEY), 3)]
SPELLED = [
    KEY,
    BEARER,
    json.dumps(KEY).replace("/", r"\/")[1:-1],
    "".join(f"\\u{ord(c):04x}" for c in KEY),
    html.escape(KEY),
    base64.b64encode(KEY.encode()).decode(),
    base64.b64encode(BEARER.encode()).decode(),
    KEY.encode().hex(),
]
GLUED = [
    base64.b64encode(gzip.compress(KEY.encode())).decode(),
    ",".join(str(byte) for byte in KEY.encode()),
]
"""What is not found in a text that goes on right before it."""
HIDDEN = [KEY, *SPELLED[4:], *GLUED]


def echoed() -> bytes:
    """An answer that repeats the key in each spelling, as text and as a member."""
    glued = [each for spelled in GLUED for each in (KEY, spelled)]
    texts = ",".join(f'"{each}"' for each in (*glued, *SPELLED))
    body = f'{{"id": "x", "{KEY}": [{texts}], "choices": [{{"text": "{KEY}"}}]}}'
    return answer(body.encode(), headers=[f"Server: {KEY}", f"X-Key: {BEARER}"])


async def streamed(writer: Writer) -> None:
    """The key, a few letters an event."""
    events = [{"choices": [{"index": 0, "text": piece}]} for piece in PIECES]
    said = "".join(f"data: {json.dumps(each)}\n\n" for each in events).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(said) + said)


@contextmanager
def repeating() -> Iterator[str]:
    """A target that repeats the key whatever it is asked; its address."""
    ready, done, urls = threading.Event(), threading.Event(), []

    async def story() -> None:
        async with saying(b"") as target:

            async def play(writer: Writer) -> None:
                if b'"stream":true' in target.requests[-1]:
                    await streamed(writer)
                else:
                    writer.write(echoed())

            target.acts[:] = [play]
            urls.append(target.url)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(story(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield urls[0]
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("way", ["header", "environment"])
def test_no_artefact_shows_a_key(
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [f"--header=Authorization: {BEARER}"] if way == "header" else []
    if way == "environment":
        monkeypatch.setenv("AIOS_API_KEY", KEY)
    with repeating() as url:
        words = ["--preset=smoke", "--apis=completions", "--model=m"]
        main(["run", url, *words, f"--report-dir={tmp_path}", *given])
    shown = capsys.readouterr()
    files = {p.name: p.read_text(errors="replace") for p in tmp_path.iterdir()}
    assert len(files) == 7
    for name, text in {**files, "out": shown.out, "err": shown.err}.items():
        for each in HIDDEN:
            assert each not in text, f"{name} shows {each}"
    assert "$A" in files["report.html"]
    told = "".join(re.findall(r'\\"text\\": \\"(.*?)\\"', files["exchanges.jsonl"]))
    assert "$A" in told
    assert KEY not in told
