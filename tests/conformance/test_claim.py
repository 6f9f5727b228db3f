"""Claims and exit codes, from results made by hand."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import toys
from judged_runs import ORDER, SETTING, counted, judged_run

from aios_conformance.conformance.judging.verdict import (
    claim,
    exit_code,
    verdicts,
)
from aios_conformance.conformance.options.values import ExitCode
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.result import (
    RequirementResult,
    RunResult,
    Usage,
)

# --- claims ------------------------------------------------------------------------


def claimed(
    change: Callable[[RequirementResult], Any] | None = None, **over: Any
) -> str:
    """The claim when every row passes, but for what `change` says of some."""
    made = judged_run(counted(), **over)
    results = [
        replace(r, verdict="info" if r.requirement.level == "MAY" else "pass")
        for r in verdicts(made)
    ]
    if change is not None:
        results = [replace(r, verdict=change(r) or r.verdict) for r in results]
    return claim(made, results)


def test_all_passed_is_a_full_claim() -> None:
    assert claimed() == "full"


@pytest.mark.parametrize("verdict", ["fail", "error", "inconclusive", "waived"])
def test_one_open_must_ends_the_claim(verdict: str) -> None:
    assert claimed(lambda r: verdict if r.requirement.id == ORDER else None) == "none"


def test_warnings_and_open_shoulds_do_not() -> None:
    def change(r: RequirementResult) -> str | None:
        is_should = r.requirement.level == "SHOULD"
        return (
            ["warn", "inconclusive"][len(r.requirement.id) % 2] if is_should else None
        )

    assert claimed(change) == "full"


def test_unstable_rows_are_part_of_the_claim() -> None:
    def change(r: RequirementResult) -> str | None:
        return "unstable" if r.requirement.id in (ORDER, "META-051") else None

    assert claimed(change) == "full, 2 unstable"
    absent = dict.fromkeys(("chat", "completions"), "absent")
    partial = "partial: rerank, score, embeddings, 2 unstable"
    assert claimed(change, absent=absent) == partial


def test_an_absent_api_makes_the_claim_partial() -> None:
    absent = dict.fromkeys(("chat", "completions"), "absent")
    assert claimed(absent=absent) == "partial: rerank, score, embeddings"


def test_a_declared_scope_makes_the_claim_partial() -> None:
    setting = replace(SETTING, apis=("rerank", "score"), without=("tools",))
    assert claimed(setting=setting) == "partial: rerank, score, without tools"


def test_a_selection_or_a_cut_ends_the_claim() -> None:
    assert claimed(setting=replace(SETTING, selection=(ORDER,))) == "none"
    assert claimed(cut_short="--max-requests 3") == "none"


# --- exit codes --------------------------------------------------------------------


def result(levels: Mapping[str, str], **over: Any) -> RunResult:
    """A result in which the toy rows have these verdicts, in order of level."""
    rows = iter(toys.catalogue().scored)
    pool = {level: [] for level in ("MUST", "SHOULD", "MAY")}  # type: ignore[var-annotated]
    for each in rows:
        pool[each.level].append(each)
    results = [
        RequirementResult(pool[level].pop(), verdict, over.pop("reason", None))  # type: ignore[arg-type]
        for verdict, level in levels.items()
    ]
    return RunResult(
        url="http://h",
        dialect="aios",
        preset="standard",
        seed=0,
        facts=Facts(),
        server=None,
        started=SETTING.started,
        duration_s=1.0,
        complete=over.pop("complete", True),
        claim="none",
        selection=None,
        requirements=results,
        excluded=(),
        usage=Usage(),
        timing={},
        **over,
    )


OPEN_MUST = {"pass": "MUST", "inconclusive": "MUST"}
OPEN_SHOULD = {"pass": "MUST", "inconclusive": "SHOULD"}


@pytest.mark.parametrize(
    ("levels", "fail_on", "code"),
    [
        ({"pass": "MUST"}, "must", ExitCode.JUDGED),
        ({"pass": "MUST", "fail": "MUST"}, "must", ExitCode.RED),
        ({"pass": "MUST", "fail": "MUST"}, "should", ExitCode.RED),
        ({"pass": "MUST", "warn": "SHOULD"}, "must", ExitCode.JUDGED),
        ({"pass": "MUST", "warn": "SHOULD"}, "should", ExitCode.RED),
        (OPEN_MUST, "must", ExitCode.JUDGED),
        (OPEN_MUST, "inconclusive-must", ExitCode.RED),
        (OPEN_SHOULD, "inconclusive-must", ExitCode.JUDGED),
        (OPEN_SHOULD, "inconclusive", ExitCode.RED),
        ({"pass": "MUST", "error": "MUST"}, "must", ExitCode.OWN_ERROR),
        ({"fail": "MUST", "error": "MUST"}, "must", ExitCode.RED),
        ({"inconclusive": "MUST", "info": "MAY"}, "must", ExitCode.NOTHING),
        ({"not_applicable": "MUST"}, "must", ExitCode.NOTHING),
        ({"warn": "SHOULD"}, "must", ExitCode.JUDGED),
        ({"waived": "MUST"}, "must", ExitCode.JUDGED),
        ({"unstable": "MUST"}, "must", ExitCode.JUDGED),
        ({"unstable": "MUST"}, "should", ExitCode.JUDGED),
        ({"unstable": "SHOULD"}, "unstable", ExitCode.RED),
    ],
)
def test_exit_codes(levels: dict[str, str], fail_on: str, code: ExitCode) -> None:
    assert exit_code(result(levels), ("must", fail_on)) == code


def test_a_run_that_was_cut_short_says_so_unless_it_is_red() -> None:
    assert exit_code(result({"pass": "MUST"}, complete=False)) == ExitCode.CUT_SHORT
    assert exit_code(result({"fail": "MUST"}, complete=False)) == ExitCode.RED
    assert exit_code(result({}, complete=False)) == ExitCode.CUT_SHORT


def test_a_stale_waiver_is_red() -> None:
    assert exit_code(result({"pass": "MUST"}, stale_waivers=(ORDER,))) == ExitCode.RED


def test_what_was_not_selected_is_never_red() -> None:
    left = result({"not_applicable": "MUST", "pass": "MUST"})
    assert exit_code(left, ("inconclusive",)) == ExitCode.JUDGED
