"""Annotations: at which line of which file a pipeline is to look, and what it says."""

from dataclasses import replace

from results import BROKEN, made_result

from aios_conformance.conformance.options.values import Waiver
from aios_conformance.conformance.reporting.annotations import (
    MOST,
    Annotation,
    Place,
    annotations,
)
from aios_conformance.conformance.terms.result import RunResult

FILE = Place("waivers.yaml", "# ours\n- id: EMB-RES-001\n- id: id-missing\n")


def told(result: RunResult, *waivers: Waiver) -> list[str]:
    return [str(each) for each in annotations(result, (FILE, waivers))]


def test_what_is_red_stands_alone_where_no_file_speaks_of_it() -> None:
    first, *_ = [str(each) for each in annotations(made_result(BROKEN))]
    assert first.startswith("::error title=COMMON-RES-010 total-tokens-sum::expected ")
    assert "\n" not in first


def test_what_does_not_count_is_not_told() -> None:
    known = {name: replace(each, change="known") for name, each in BROKEN.items()}
    newer = {name: replace(each, is_scored=False) for name, each in BROKEN.items()}
    assert annotations(made_result(known)) == annotations(made_result(newer)) == []


def test_a_waiver_that_ends_soon_is_told_before_it_does() -> None:
    """The run began on 2026-11-22."""
    kept = made_result({})
    soon = Waiver("EMB-RES-001", "ticket 4711, 50 %", "2026-12-01")
    (line,) = told(kept, soon)
    assert line.startswith("::warning file=waivers.yaml,line=2,title=EMB-RES-001 ")
    assert line.endswith("::the waiver ends on 2026-12-01: ticket 4711, 50 %25")
    assert told(kept, replace(soon, expires="2027-12-01")) == []
    (line,) = told(kept, replace(soon, expires="2026-11-01"))
    assert "::error " in line
    assert "expired on 2026-11-01" in line
    (line,) = told(replace(kept, stale_waivers=["EMB-RES-001"]), soon)
    assert line.endswith("::waived, but kept: remove the waiver")


def test_no_text_of_a_target_is_a_command() -> None:
    made = Annotation("error", "a,b: c", "x\n::set-output name=y::z\r%", "a:b,c", 3)
    assert str(made) == (
        "::error file=a%3Ab%2Cc,line=3,title=a%2Cb%3A c::"
        "x%0A::set-output name=y::z%0D%25"
    )


def test_there_are_no_more_than_are_shown() -> None:
    rows = [each.requirement.id for each in made_result({}).requirements]
    mended = replace(
        made_result({}),
        requirements=[
            replace(each, before="fail") if each.verdict == "pass" else each
            for each in made_result({}).requirements
        ],
    )
    found = annotations(mended, baseline=Place("old.json", f'"id": "{rows[0]}"'))
    assert [each.kind for each in found] == ["notice"] * MOST
    assert found[0].line == 1
