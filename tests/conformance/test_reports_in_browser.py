"""The pages that we write, in Chromium: by axe-core's rules of WCAG 2.2 AA, and used.

They need Chromium, and axe-core in `.axe/`; `.ci/run` fetches both where it can.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Page, chromium
from results import BROKEN, evidence, made_result
from streaming import stream
from test_drift_of_runs import drift, said
from test_prove_matrix import SUM, killed
from test_site import ROW, run

from aios_conformance.conformance.comparing.run_records import run_records
from aios_conformance.conformance.prove.matrix import Matrix
from aios_conformance.conformance.prove.render import render_html
from aios_conformance.conformance.reporting import (
    dialects_page,
    html_page,
    parity_page,
)
from aios_conformance.conformance.reporting.compared import DialectOutcome, compare
from aios_conformance.conformance.reporting.site import write_site
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.result import RequirementResult, Shown, Verdict
from aios_conformance.spec import Level, requirement, requirements

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

AXE = next(Path(__file__).parents[2].glob(".axe/**/axe.min.js"), None)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LAID_OUT = """for (const each of document.querySelectorAll('details')) {
  each.open = true;
  each.style.contentVisibility = 'visible'; // else axe measures places not laid out yet
}"""
APART = drift(said("q|one", "r|two"), said("q|other", "r|two"))
FEW = made_result(
    requirements=[
        replace(BROKEN["RERANK-SEM-006"], findings=(evidence(),)),
        *(replace(each, findings=()) for each in [*BROKEN.values()][1:]),
        RequirementResult(
            requirement("CHAT-SEM-014"), "fail", findings=(evidence(exchange="ex-20"),)
        ),
        RequirementResult(
            requirement("SCORE-EX-003"),
            "inconclusive",
            reason="refused prerequisite",
            shown=Shown("ex-12", "curl -sS http://h/score"),
        ),
        RequirementResult(requirement("EMB-RES-001"), "pass", evidence=5),
        RequirementResult(requirement("RERANK-RES-002"), "info", reading="no UUID"),
    ],
    exchanges=[
        *made_result().exchanges,
        replace(stream([{"choices": []}, "no JSON", {"id": "x"}]), id="ex-20"),
    ],
)

MUST = [r.id for r in requirements("aios") if r.level is Level.MUST and not r.excluded]
LIMIT = "budget: --max-requests 9"
CUT = made_result(
    requirements=[
        RequirementResult(requirement(name), "inconclusive", reason=LIMIT)
        for name in MUST[:16]
    ],
    complete=False,
    cut_short="--max-requests 9",
)
"""With more that was not exercised than is listed at once."""


def pages(folder: Path) -> Mapping[str, str]:
    """The address of each page, by its name."""
    sides = [DialectOutcome(each, "http://t", FEW, 1) for each in ("aios", "infinity")]
    matrix = Matrix(catalogue("aihubmix"), [killed("SCORE-RES-012", SUM)])
    texts = {
        "report": html_page.render(FEW),
        "cut": html_page.render(CUT),
        "dialects": dialects_page.render(compare(sides, 60, 80)),
        "matrix": render_html(matrix, {"commit": "abc"}),
        "parity": parity_page.render(APART, "Parity", {"A": "a.html", "B": "b.html"}),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    verdicts: tuple[Verdict, ...] = ("pass", "fail", "warn")
    for day, verdict in enumerate(verdicts, 1):
        rows = [RequirementResult(requirement(ROW), verdict), *FEW.requirements[1:]]
        run(folder / "runs" / f"acme-1.{day}", day, requirements=rows)
    write_site(run_records(folder / "runs"), folder / "runs", folder / "site")
    made = [*folder.glob("*.html"), *folder.glob("site/*.html")]
    made += folder.glob("site/servers/*.html")
    return {path.stem: path.as_uri() for path in made}


def browse(tmp_path: Path, act: Callable[[Page], Awaitable[None]]) -> None:
    async def run() -> None:
        async with chromium(tmp_path / "profile") as page:
            await act(page)
            assert page.errors == []

    asyncio.run(run())


async def prefer(page: Page, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    await page.call("Emulation.setEmulatedMedia", features=[feature])


@pytest.mark.skipif(AXE is None, reason="there is no axe-core in .axe/")
def test_the_pages_keep_wcag_22_aa(tmp_path: Path) -> None:
    assert AXE is not None
    axe = AXE.read_text("utf-8")
    found: list[tuple[Any, ...]] = []

    async def act(page: Page) -> None:
        for name, address in pages(tmp_path).items():
            for scheme, width in (("light", 1280), ("dark", 390)):
                await prefer(page, scheme)
                await page.open(address, width)
                await page.evaluate(LAID_OUT)
                await page.evaluate(f"{axe}; 0")
                told: Any = await page.evaluate(
                    f"axe.run({{runOnly: {TAGS}}}).then(r => r.violations.map("
                    "v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160),"
                    " v.nodes[0].failureSummary]))"
                )
                found.extend((name, scheme, width, *each) for each in told)

    browse(tmp_path, act)
    assert found == []


def test_the_report_is_used(tmp_path: Path) -> None:
    async def act(page: Page) -> None:
        report = pages(tmp_path)["report"]
        focused = "document.activeElement.textContent.includes('CHAT-SEM-014')"
        await page.open(f"{report}#CHAT-SEM-014")
        await page.until(focused)
        assert await page.evaluate("document.getElementById('CHAT-SEM-014').open")
        await page.open("about:blank")
        await page.open(f"{report}#%E0%A4%A")
        tile = "document.querySelector('a.tile[data-verdict=fail]')"
        await page.evaluate(f"{tile}.click()")
        await page.until("document.getElementById('shown').textContent[0] === '3'")
        typed = "search.value = 'pieces'; search.dispatchEvent(new Event('input'))"
        await page.evaluate(typed)
        kept = await page.evaluate("location.hash")
        assert kept == "#?q=pieces&verdict=fail"
        await page.open("about:blank")
        await page.open(f"{report}{kept}", 320, 844)
        await page.until("document.getElementById('shown').textContent[0] === '1'")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    browse(tmp_path, act)


def test_print_is_light_and_holds_the_evidence(tmp_path: Path) -> None:
    async def act(page: Page) -> None:
        await prefer(page, "dark")
        await page.open(pages(tmp_path)["report"])
        shown = "getComputedStyle(document.body).backgroundColor"
        assert await page.evaluate(shown) != "rgb(255, 255, 255)"
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        await page.call("Emulation.setEmulatedMedia", media="print", features=[dark])
        assert await page.evaluate(shown) == "rgb(255, 255, 255)"
        row = "document.querySelector('#CHAT-SEM-014 .found')"
        assert await page.evaluate(f"{row}.checkVisibility()")
        law = "[...document.querySelectorAll('a')].find(a => a.text === a.href)"
        assert await page.evaluate(f"{law}.checkVisibility()"), "paper follows no link"
        assert not await page.evaluate(
            "document.querySelector('#EMB-RES-001 dl').checkVisibility()"
        )

    browse(tmp_path, act)


PAPER = 718
"""Pixels between the margins of A4."""


def test_print_cuts_off_neither_a_line_nor_a_table(tmp_path: Path) -> None:
    """What scrolls on a screen is whole on paper."""
    asked = "Tell me more of this. " * 80
    apart = drift(said(f"{asked}|one"), said(f"{asked}|other"))
    text = parity_page.render(apart, "Parity", {"A": "a.html", "B": "b.html"})
    (tmp_path / "long.html").write_text(text)
    run(tmp_path / "runs" / "acme-1.1", 1)  # of all APIs
    write_site(run_records(tmp_path / "runs"), tmp_path / "runs", tmp_path / "site")
    cut = (
        "[...document.querySelectorAll('pre')]"
        ".some(each => each.scrollHeight > each.clientHeight + 1)"
    )
    wide = "document.documentElement.scrollWidth > innerWidth"

    async def act(page: Page) -> None:
        for name in ("long", "site/index"):
            await page.open((tmp_path / f"{name}.html").as_uri(), PAPER)
            await page.evaluate(LAID_OUT)
            await page.call("Emulation.setEmulatedMedia", media="print")
            assert not await page.evaluate(cut), name
            assert not await page.evaluate(wide), name
            await page.call("Emulation.setEmulatedMedia", media="")

    browse(tmp_path, act)
