"""The museum's matrix: what it counts, and that reports are linked."""

import json
from dataclasses import asdict

import msgspec
import pytest

from aios_conformance.conformance.prove import museum
from aios_conformance.conformance.prove.museum import figures, link, rendered, told
from aios_conformance.conformance.prove.trial import Outcome, Planted, Trial

BUG = Planted(
    "a-bug",
    "It breaks | here.",
    "META-090",
    museum=True,
    origin="some/server#7",
    source="000:765",
)
FREE = Planted("a-freedom", "Free.", freedom="000:1", museum=True, origin="an/other#8")


def came(outcome: Outcome, *tripped: str, planted: Planted = BUG) -> Trial:
    return Trial(planted, outcome, dict.fromkeys(tripped, "fail"), acts=2, requests=9)


TRIALS = [
    came("killed", "META-090", "META-091"),
    came("imprecise", "META-090", "META-001"),
    came("survived", "META-091"),
    came("survived"),
    came("unreached"),
    came("silent", planted=FREE),
]


def test_survivors_are_counted_as_what_they_are() -> None:
    assert figures(TRIALS) == {
        "bugs": 5,
        "killed": 2,
        "killed_by_each_hundred_requests": 22.2,  # 2 with 9 requests
        "precise": 1,
        "survived": 2,
        "survived_but_other_rows_tripped": 1,
        "unreached": 1,
        "freedoms": 1,
        "silent": 1,
    }
    assert "2 of 5 bugs killed" in told(TRIALS)


def test_every_form_shows_what_schemathesis_made_of_the_exhibit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = {"version": "4.0", "date": "2026-01-02", "seed": 1}
    outcomes = {"a-bug": "missed", "a-bug-of-before": "killed"}
    monkeypatch.setattr(museum, "elsewhere", lambda: stored | {"outcomes": outcomes})
    forms = rendered(TRIALS, {})
    for form in (forms["md"], forms["html"]):
        assert "schemathesis 4.0" in form
        assert "killed 0 of 1 bugs (2026-01-02)" in form
    assert "| killed | missed | 2 in 9 requests |" in forms["md"]
    assert "| silent | not tried |" in forms["md"]
    assert "<td>missed<td>2 in 9 requests" in forms["html"]
    assert json.loads(forms["json"])["schemathesis"]["outcomes"] == outcomes


def test_every_form_links_the_report_and_tells_how_often_the_bug_acted() -> None:
    forms = rendered(TRIALS, {"seed": 0})
    address = link("some/server#7")
    assert address == "https://github.com/some/server/issues/7"
    assert f"[some/server#7]({address})" in forms["md"]
    assert "It breaks \\| here." in forms["md"]
    assert "| 2 in 9 requests | META-091 |" in forms["md"]
    assert f"<a href='{address}'>some/server#7</a>" in forms["html"]
    assert "<td class=bad>unreached" in forms["html"]
    read = json.loads(forms["json"])
    assert read["trials"][0]["planted"]["source"] == "000:765"
    again = asdict(msgspec.convert(read["trials"][0], Trial))
    assert json.loads(json.dumps(again)) == read["trials"][0]
