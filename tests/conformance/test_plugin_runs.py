"""The suite as a pytest run, against miniature servers over real HTTP.

Runs are nested in this process, with the plugin as it is installed.
"""

from collections.abc import Iterator
from importlib import import_module

import pytest
from miniatures import (
    Asked,
    Said,
    encoders_only,
    html_everywhere,
    listening,
    not_found_everywhere,
    only_rerank,
    total_off_by_one,
)
from plugged import (
    ITEMS,
    NO_PORT,
    QUICK,
    Counting,
    assert_all_reports,
    report,
    verdicts,
)
from results import made_result

from aios_conformance.conformance.plugin import showing

pytest_plugins = ["pytester"]

# A nested run forgets what it imports; what is costly, or refuses to be imported
# twice, is imported before: the client library and all of the judge.
KEPT = [
    import_module(name)
    for name in ("openai", "yaml", "aios_conformance.conformance.running.session")
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(encoders_only) as address:
        yield address


@pytest.fixture(scope="module")
def wrong_url() -> Iterator[str]:
    with listening(total_off_by_one) as address:
        yield address


def test_an_empty_folder_is_judged(pytester: pytest.Pytester, url: str) -> None:
    result = pytester.runpytest(f"--target={url}", *QUICK, "--junitxml=mine.xml")
    assert result.ret == 0
    assert_all_reports(pytester.path, complete=True)
    found = verdicts(pytester.path)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == sum(found[each] in {"pass", "warn"} for each in ITEMS)
    assert outcomes["skipped"] == sum(
        found[each] in {"inconclusive", "not_applicable"} for each in ITEMS
    )
    result.stdout.fnmatch_lines(
        [
            f"aios-conformance: target {url}, dialect aios, preset smoke, seed 0",
            "*= conformance =*",
            "API * pass *",
            "claim: none *",
            "report: reports/latest/report.html",
        ]
    )
    junit = (pytester.path / "mine.xml").read_text()
    assert 'name="test_requirement[RERANK-SEM-006]"' in junit
    assert '<property name="verdict" value="pass"' in junit


def test_items_are_the_rows_that_can_pass_or_fail(pytester: pytest.Pytester) -> None:
    counting = Counting()
    with listening(counting) as address:
        result = pytester.runpytest(
            f"--target={address}", *QUICK, "--collect-only", "-q"
        )
    listed = [line for line in result.outlines if "::" in line]
    assert listed == [f"aios-conformance::test_requirement[{each}]" for each in ITEMS]
    assert counting.asked == 0
    assert not (pytester.path / "reports").exists()


def test_a_plan_is_printed_and_nothing_is_sent(pytester: pytest.Pytester) -> None:
    counting = Counting()
    with listening(counting) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK, "--plan")
        chosen = pytester.runpytest(
            f"--target={address}", *QUICK, "--plan", "-k", "RERANK-SEM-006"
        )
    assert result.ret == chosen.ret == 0
    lines = ["POST /v1/rerank *", "at most * requests, *", "*at most 40 more*in all."]
    result.stdout.fnmatch_lines(lines)
    chosen.stdout.fnmatch_lines(lines)
    chosen.stdout.no_fnmatch_line("POST /v1/chat*")
    assert counting.asked == 0


def told(reason: str) -> str:
    """How a line of the summary goes on: pytest says why there since version 9."""
    return f" - {reason}*" if pytest.version_tuple >= (9,) else ""


def test_a_broken_promise_fails_its_item(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    # a process of its own, as a user has it: nothing of ours is imported yet
    result = pytester.runpytest_subprocess(
        f"--target={wrong_url}", *QUICK, "-k", "COMMON-RES-010", "-rf"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "malformed: expected * at /usage/total_tokens",
            "MUST * total_tokens *",
            "sources   000:274, *",
            "expected  *",
            "actual    *",
            "at        /usage/total_tokens *",
            "run       curl *",
            "fail  COMMON-RES-010 total-tokens-sum MUST *",
            f"FAILED aios-conformance::*COMMON-RES-010*{told('malfo')}",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")


def test_a_selection_sends_only_what_feeds_it(pytester: pytest.Pytester) -> None:
    whole, part = Counting(), Counting()
    with listening(whole) as address:
        pytester.runpytest(f"--target={address}", *QUICK)
    before = verdicts(pytester.path)
    with listening(part) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK, "-k", "EMB-RES-001")
    after = report(pytester.path)
    assert result.ret == 0
    assert 0 < part.asked < whole.asked
    assert after["selection"] == ["EMB-RES-001"]
    assert after["claim"] == "none"
    assert verdicts(pytester.path)["EMB-RES-001"] == before["EMB-RES-001"] == "pass"


def test_a_topic_selects_the_rows_about_it(pytester: pytest.Pytester) -> None:
    words = ("--target=mock", "--collect-only", "-q", "-k", "temperature-range")
    result = pytester.runpytest(*words)
    assert result.ret == 0
    node = "aios-conformance::test_requirement[[]{}[]]"
    ids = ("CHAT-REQ-041", "COMP-REQ-035")
    result.stdout.fnmatch_lines([node.format(row) for row in ids])
    result.stdout.fnmatch_lines(["2/455 tests collected*"])


@pytest.mark.parametrize("where", ["", "::test_requirement[EMB-RES-001]"])
def test_our_node_ids_may_be_named(
    pytester: pytest.Pytester, url: str, where: str
) -> None:
    result = pytester.runpytest(
        f"--target={url}", *QUICK, f"aios-conformance{where}", "--collect-only", "-q"
    )
    assert result.ret == 0
    listed = [line for line in result.outlines if "::" in line]
    assert len(listed) == (1 if where else len(ITEMS))


def test_the_last_failures_can_be_run_again(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    first = pytester.runpytest(f"--target={wrong_url}", *QUICK)
    again = pytester.runpytest(f"--target={wrong_url}", *QUICK, "--lf")
    assert first.ret == again.ret == 1
    failed = first.parseoutcomes()["failed"]
    assert again.parseoutcomes()["failed"] == failed
    assert "passed" not in again.parseoutcomes()
    assert len(report(pytester.path)["selection"]) == failed


def test_a_waived_failure_is_expected_and_a_stale_waiver_fails(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    (pytester.path / "waivers.yaml").write_text(
        "- {id: COMMON-RES-010, reason: known, expires: 2999-01-01}\n"
        "- {id: EMB-RES-001, reason: outdated, expires: 2999-01-01}\n"
    )
    result = pytester.runpytest(
        f"--target={wrong_url}",
        *QUICK,
        "--waivers=waivers.yaml",
        "-k",
        "COMMON-RES-010 or EMB-RES-001",
        "-rxf",
    )
    assert result.ret == 1
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "stale waiver: *",
            "XFAIL *COMMON-RES-010* - waived: known *",
            f"FAILED *EMB-RES-001*{told('stale waiver: ')}",
        ]
    )
    assert report(pytester.path)["stale_waivers"] == ["EMB-RES-001"]


def test_a_warning_passes_and_may_be_made_red(pytester: pytest.Pytester) -> None:
    # but for a recommendation: errors are told in plain text
    def terse(asked: Asked) -> Said:
        said = encoders_only(asked)
        return (
            said
            if said.is_success or said.status == 200
            else Said(said.status, b"no", "text/plain")
        )

    with listening(terse) as address:
        words = (f"--target={address}", *QUICK, "-k", "COMMON-ERR-006")
        mild = pytester.runpytest(*words)
        strict = pytester.runpytest(*words, "--fail-on=should")
    assert verdicts(pytester.path)["COMMON-ERR-006"] == "warn"
    assert (mild.ret, strict.ret) == (0, 1)
    for result in (mild, strict):
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["warn  COMMON-ERR-006 * SHOULD *"])


def test_an_absent_api_is_skipped_with_its_reason(pytester: pytest.Pytester) -> None:
    with listening(only_rerank) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK, "-rs")
    assert result.ret == 0
    assert verdicts(pytester.path)["SCORE-REQ-004"] == "not_applicable"
    result.stdout.fnmatch_lines(["SKIPPED * not applicable: *"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target=mok"], "did you mean mock?"),
        (["--target=127.0.0.1:80"], "did you mean http://127.0.0.1:80?"),
        (["--target"], "--target (empty): not a URL"),
        (["--target=mock", "--preset=smok"], "did you mean smoke?"),
        (["--target=mock", "--presett=smoke"], "did you mean --preset?"),
        (["--target=mock", "--presett", "smoke"], "did you mean --preset?"),
        (["--target=mock", "--waivers=none.yaml"], "no such file"),
        (["--target=mock", "some/path"], "leave out 'some/path'"),
        (
            ["--target=mock", "-y", "2"],
            "Nobody here knows -y: is its plugin installed?",
        ),
        (["--target=mock", "--only", "EMB-REQ-003"], "-k selects requirements"),
        (["--target=mock", "--against=mock"], "belongs to `aios-conformance run`"),
        (["--target=mock", "aios-conformance::test_requirement[EMB-1]"], "EMB-1"),
        (["--target=mock", "aios-conformance::test_it"], "Items look like"),
    ],
)
def test_a_bad_option_is_one_clear_paragraph(
    pytester: pytest.Pytester, words: list[str], said: str
) -> None:
    result = pytester.runpytest("-p", "no:schemathesis", *words)
    assert result.ret == 4
    text = result.stderr.str()
    assert said in text
    assert "Traceback" not in text + result.stdout.str()
    assert not (pytester.path / "reports").exists()


def test_nobody_listening_is_no_verdict(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(f"--target={NO_PORT}", *QUICK)
    assert result.ret == 4
    result.stdout.fnmatch_lines([f"ERROR: {NO_PORT} does not answer*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert_all_reports(pytester.path, complete=False)
    assert report(pytester.path)["claim"] == "none"


def test_a_wrong_prefix_is_no_verdict(pytester: pytest.Pytester) -> None:
    with listening(not_found_everywhere) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK)
    assert result.ret == 4
    assert_all_reports(pytester.path, complete=False)


def test_html_for_an_answer_is_red(pytester: pytest.Pytester) -> None:
    with listening(html_everywhere) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK)
    assert result.ret == 1
    assert_all_reports(pytester.path, complete=True)


def test_a_spent_limit_cuts_the_run_short(pytester: pytest.Pytester, url: str) -> None:
    result = pytester.runpytest(f"--target={url}", *QUICK, "--max-requests=20")
    assert result.ret == 2
    assert_all_reports(pytester.path, complete=False)
    assert report(pytester.path)["usage"]["requests"] <= 20


def test_stopping_at_the_first_failure_is_red(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    result = pytester.runpytest(f"--target={wrong_url}", *QUICK, "-x")
    assert result.ret == 1
    assert_all_reports(pytester.path, complete=True)


def test_no_secret_reaches_output_or_report(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def telling(asked: Asked) -> Said:
        """An answer that repeats the secrets it was sent, and breaks a promise."""
        said = total_off_by_one(asked)
        if not said.is_success:
            return said
        return said.with_json(said.json | {"heard": asked.headers})

    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with listening(telling) as address:
        result = pytester.runpytest(
            f"--target={address}",
            *QUICK,
            "--api-key-env=MY_KEY",
            "--header=X-Tenant: hidden-tenant",
        )
    assert result.ret == 1
    texts = [path.read_text() for path in (pytester.path / "reports/latest").iterdir()]
    for text in [result.stdout.str(), result.stderr.str(), *texts]:
        assert "sk-very-secret" not in text
        assert "hidden-tenant" not in text
    assert "$MY_KEY" in result.stdout.str()


@pytest.mark.parametrize("words", [["--target=mock"], []])
def test_help_lists_our_options(pytester: pytest.Pytester, words: list[str]) -> None:
    ours = pytester.runpytest(*words, "--help")
    ours.stdout.fnmatch_lines(["*--dialect=*", "*--fail-on=LIST*"])


def test_help_leaves_a_folder_its_own_options(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "def pytest_addoption(parser): parser.addoption('--model', help='of theirs')"
    )
    told = pytester.runpytest("--help").stdout
    told.fnmatch_lines(["*--apis=LIST*", "*--model=MODEL*of theirs"])
    told.no_fnmatch_line("*--model=NAME*")


def test_each_verdict_has_its_outcome() -> None:
    outcomes = showing.outcomes(made_result(stale_waivers=["CHAT-REQ-004"]))
    kinds = {key: outcomes[key].kind for key in outcomes}
    assert kinds["RERANK-SEM-006"] == "failed"
    assert kinds["CHAT-SEM-010"] == "passed"
    assert kinds["CHAT-REQ-003"] == "xfailed"
    assert kinds["CHAT-REQ-004"] == "failed"
    assert kinds["EMB-REQ-004"] == "error"
    assert kinds["COMP-REQ-002"] == "skipped"
    assert kinds["SCORE-REQ-004"] == "skipped"
    assert outcomes["SCORE-REQ-004"].text == "not applicable: no score API"
    assert outcomes["COMP-REQ-002"].text == "inconclusive: 0 of 2 observations"
