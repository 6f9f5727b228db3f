"""Whole runs against miniature servers, named for their sin, and against the mock."""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import miniatures
import pytest
from miniatures import Asked, Said, listening

from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.observing.recording import FILE_NAME, read_recording
from aios_conformance.conformance.options.values import (
    ExitCode,
    OptionError,
    RunOptions,
    TargetError,
    Waiver,
)
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.run import run
from aios_conformance.conformance.terms.events import (
    RunEvent,
    RunJudged,
)
from aios_conformance.conformance.terms.result import RequirementResult, RunResult


@pytest.fixture
def options(tmp_path: Path, plan_cache: Path) -> RunOptions:
    return RunOptions("", report_dir=tmp_path, cache_dir=plan_cache, preset="smoke")


def ran(
    options: RunOptions,
    behaviour: Callable[[Asked], Said] | None = None,
    *,
    selection: set[str] | None = None,
    heard: list[RunEvent] | None = None,
    **over: Any,
) -> RunResult:
    events = [] if heard is None else heard
    chosen = None if selection is None else frozenset(selection)
    if behaviour is None:
        return asyncio.run(run(replace(options, **over), events.append, chosen))
    with listening(behaviour) as url:
        given = replace(options, target=url, **over)
        return asyncio.run(run(given, events.append, chosen))


def row(result: RunResult, name: str) -> RequirementResult:
    return next(r for r in result.requirements if r.requirement.id == name)


def verdicts(result: RunResult) -> dict[str, str]:
    return {r.requirement.id: r.verdict for r in result.requirements}


# --- sinners -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "broken"),
    [
        (miniatures.total_off_by_one, "SCORE-RES-012"),
        (miniatures.scores_rise, "RERANK-SEM-006"),
        (miniatures.top_n_ignored, "RERANK-SEM-004"),
        (miniatures.v2_missing, "RERANK-REQ-003"),
        (miniatures.streams_break_off, "CHAT-SEM-014"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_sin_is_found(
    options: RunOptions, behaviour: Callable[[Asked], Said], broken: str
) -> None:
    few = replace(options, preset="standard", shrink_requests=5)
    honest = verdicts(ran(few, miniatures.honest, selection={broken}))
    result = ran(few, behaviour, selection={broken})
    found = row(result, broken)
    assert honest[broken] != "fail"
    assert found.verdict in ("fail", "warn")
    assert found.reproduced
    assert found.findings[0].curl.startswith("curl ")
    ids = {exchange.id for exchange in result.exchanges}
    assert all(evidence.exchange in ids for evidence in found.findings)
    assert verdicts(conclude(read_recording(options.report_dir))) == verdicts(result)


def test_the_curl_line_reproduces_the_finding(options: RunOptions) -> None:
    with listening(miniatures.scores_rise) as url:
        given = replace(options, target=url, apis=("rerank",))
        result = asyncio.run(run(given, lambda _: None))
        line = row(result, "RERANK-SEM-006").findings[0].curl
        if not _has_curl():
            # curl's flags, read by our own small reader of its lines
            said = _by_hand(line)
        else:
            done = subprocess.run(
                ["bash", "-c", line], capture_output=True, check=True, timeout=30
            )
            said = done.stdout
    scores = [r["relevance_score"] for r in json.loads(said)["results"]]
    assert scores != sorted(scores, reverse=True)


def _has_curl() -> bool:
    import shutil  # noqa: PLC0415

    return shutil.which("curl") is not None


def _by_hand(line: str) -> bytes:
    import shlex  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    words = shlex.split(line)
    address = next(w for w in words if re.match("https?://", w))
    body = words[words.index("-d") + 1].encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        data: bytes = answer.read()
        return data


def test_html_everywhere_is_red(options: RunOptions) -> None:
    result = ran(options, miniatures.html_everywhere)
    assert exit_code(result) == ExitCode.RED
    assert result.claim == "none"
    assert row(result, "COMMON-RES-002").verdict == "fail"


def test_html_everywhere_earns_nothing(options: RunOptions) -> None:
    """A page in place of an answer shows no promise kept, whatever its status."""
    result = ran(
        options, miniatures.html_everywhere, preset="standard", shrink_requests=0
    )
    assert [row for row, verdict in verdicts(result).items() if verdict == "pass"] == []
    assert row(result, "COMMON-RES-002").verdict == "fail"


def test_crashes_everywhere_are_red(options: RunOptions) -> None:
    result = ran(options, miniatures.crashes_everywhere)
    assert exit_code(result) == ExitCode.RED
    kinds = {f.kind for r in result.requirements for f in r.findings}
    assert "crash" in kinds


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (miniatures.not_found_everywhere, "no-api"),
        (miniatures.unauthorized_everywhere, "unauthorised"),
    ],
    ids=["404", "401"],
)
def test_what_is_no_target_ends_with_a_truthful_result(
    options: RunOptions, behaviour: Callable[[Asked], Said], code: str
) -> None:
    heard: list[RunEvent] = []
    with pytest.raises(TargetError) as caught:
        ran(options, behaviour, heard=heard)
    assert caught.value.code == code
    assert caught.value.exit_code == ExitCode.UNUSABLE
    assert isinstance(heard[-1], RunJudged)
    result = heard[-1].result
    assert not result.complete
    assert result.claim == "none"
    assert result.cut_short == str(caught.value)
    assert exit_code(result) != ExitCode.JUDGED
    assert conclude(read_recording(options.report_dir)).cut_short == result.cut_short


def test_nobody_there_ends_with_a_truthful_result(options: RunOptions) -> None:
    heard: list[RunEvent] = []
    with pytest.raises(TargetError, match="does not answer"):
        ran(options, target="http://127.0.0.1:1", heard=heard)
    assert isinstance(heard[-1], RunJudged)
    assert not heard[-1].result.complete


def test_a_prefix_is_part_of_the_base_url(options: RunOptions) -> None:
    with listening(miniatures.under("/deep/base")) as url:
        given = replace(options, target=f"{url}/deep/base/", apis=("rerank",))
        result = asyncio.run(run(given, lambda _: None))
        assert row(result, "RERANK-SEM-006").verdict != "fail"
        with pytest.raises(TargetError):
            asyncio.run(run(replace(given, target=url, apis=()), lambda _: None))


def test_an_absent_api_makes_the_claim_partial(options: RunOptions) -> None:
    result = ran(options, miniatures.only_rerank)
    assert row(result, "COMMON-REQ-001").verdict == "not_applicable"
    assert row(result, "CHAT-REQ-001").verdict == "not_applicable"
    assert row(result, "RERANK-RES-001").verdict == "pass"
    assert not any(e.api == "chat" and e.probe != "discovery" for e in result.exchanges)


def test_an_api_of_the_scope_is_never_absent(options: RunOptions) -> None:
    result = ran(
        options, miniatures.only_rerank, apis=("rerank", "score"), preset="standard"
    )
    assert row(result, "SCORE-REQ-001").verdict == "fail"
    assert exit_code(result) == ExitCode.RED


def test_a_key_is_used_and_never_kept(options: RunOptions) -> None:
    key = "s3cr3t-value-of-a-key"
    result = ran(
        options, target="mock", api_key=key, api_key_env="MY_KEY", apis=("embeddings",)
    )
    assert "pass" in verdicts(result).values()
    assert key not in (options.report_dir / FILE_NAME).read_text()
    assert "$MY_KEY" in (options.report_dir / FILE_NAME).read_text()


# --- limits, waivers, cuts ---------------------------------------------------------


def test_a_limit_makes_a_run_incomplete(options: RunOptions) -> None:
    result = ran(options, miniatures.honest, max_requests=20)
    assert result.usage.requests <= 20
    assert not result.complete
    assert result.cut_short == "--max-requests 20"
    reasons = {r.reason for r in result.requirements}
    assert "budget: --max-requests 20" in reasons


def test_tokens_are_limited_too(options: RunOptions) -> None:
    result = ran(options, miniatures.honest, max_tokens=500)
    assert result.usage.prompt_tokens + result.usage.completion_tokens <= 500
    assert result.cut_short == "--max-tokens 500"


def test_a_waived_failure_is_not_red(options: RunOptions) -> None:
    waiver = Waiver("RERANK-SEM-006", "known", "2999-12-31")
    result = ran(
        options,
        miniatures.scores_rise,
        waivers=(waiver,),
        apis=("rerank",),
        selection={"RERANK-SEM-006"},
    )
    assert row(result, "RERANK-SEM-006").verdict == "waived"
    assert exit_code(result) == ExitCode.JUDGED


def test_an_unknown_waiver_is_told(options: RunOptions) -> None:
    with pytest.raises(OptionError, match="--waivers: unknown requirement"):
        ran(options, target="mock", waivers=(Waiver("NO-ROW-001", "x", "2999-01-01"),))


def test_an_unknown_selection_is_told(options: RunOptions) -> None:
    with pytest.raises(OptionError, match="unknown requirement 'NO-ROW-001'"):
        ran(options, target="mock", selection={"NO-ROW-001"})


def test_a_cancelled_run_is_judged_on_what_it_has(options: RunOptions) -> None:
    async def story(target: str, stalled: Any) -> RunResult:
        given = replace(options, target=target, concurrency=1)
        going = asyncio.create_task(run(given, lambda _: None))
        await asyncio.to_thread(stalled.wait, 30)
        going.cancel()
        return await going

    server = miniatures.Stalling(25)
    with listening(server) as url:
        result = asyncio.run(story(url, server.stalled))
        server.release.set()
    assert result.cut_short == "interrupted"
    assert not result.complete
    assert "pass" in verdicts(result).values()
    assert exit_code(result) in (ExitCode.CUT_SHORT, ExitCode.RED)
    assert conclude(read_recording(options.report_dir)).cut_short == "interrupted"


def test_two_runs_send_the_same_requests(options: RunOptions) -> None:
    def sent(result: RunResult) -> list[tuple[str, bytes]]:
        numbered = {e.id: e.request.body for e in result.exchanges}
        return sorted(numbered.items())

    one, two = (
        ran(
            replace(options, report_dir=options.report_dir / str(i)),
            miniatures.honest,
            shrink_requests=0,
            apis=("rerank",),
        )
        for i in range(2)
    )
    assert sent(one) == sent(two)


def test_the_smoke_preset_is_small(options: RunOptions) -> None:
    result = ran(options, target="mock")
    assert result.usage.requests <= 60, "discovery included"
    summary = plan(replace(options, target="mock")).summary
    found = result.usage.requests - result.usage.discovery_requests
    assert summary.requests == found, "the plan is exact on a conforming target"
    assert not {"fail", "warn", "error"} & set(verdicts(result).values())
