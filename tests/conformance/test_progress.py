"""Progress: shown where somebody looks on, silent in a log."""

from io import StringIO

from results import exchange_of, made_result

from aios_conformance.conformance.cli.progress import progress
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.reporting.terminal import console
from aios_conformance.conformance.terms.events import (
    Discovered,
    ExchangeDone,
    Explaining,
    PlanMade,
    RunEvent,
    RunJudged,
    TargetStarted,
)
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.result import PlanSummary


def events() -> list[RunEvent]:
    played = exchange_of("ex-1", {}, {})
    return [
        TargetStarted("mock", "starting"),
        PlanMade(PlanSummary(2, 3, 4)),
        Discovered(Facts(models={"chat": "llama"})),
        ExchangeDone(played, 1, 2),
        ExchangeDone(played, 2, 2),
        Explaining("rerank.top_n", 1),
        RunJudged(made_result()),
    ]


def test_progress_is_shown_where_somebody_looks_on() -> None:
    shown = StringIO()
    with progress(
        console(shown, width=100, colours=True), RunOptions("mock")
    ) as listener:
        for event in events():
            listener(event)
    text = shown.getvalue()
    assert "2/2" in text
    assert "judging" in text


def test_progress_is_silent_in_a_log() -> None:
    shown = StringIO()
    with progress(console(shown), RunOptions("mock")) as listener:
        for event in events():
            listener(event)
    assert shown.getvalue() == ""
