"""The option table and what is made of it."""

from pathlib import Path
from typing import Any

import pytest

from aios_conformance.conformance.options.settings import (
    is_target,
    read_options,
    read_target,
    take_options,
)
from aios_conformance.conformance.options.table import (
    OPTIONS,
    TARGET,
)
from aios_conformance.conformance.options.values import OptionError, RunOptions


def options(*words: str, **environ: str) -> RunOptions:
    values, rest = take_options(["--target=mock", *words])
    assert rest == []
    return read_options(values, environ)


def complaint(*words: str, **environ: str) -> str:
    with pytest.raises(OptionError) as caught:
        options(*words, **environ)
    return f"{caught.value} {caught.value.hint}".strip()


def test_the_table_holds_every_option_of_the_documentation() -> None:
    assert [TARGET.flag, *(option.flag for option in OPTIONS)] == [
        "--target",
        "--dialect",
        "--model",
        "--apis",
        "--without",
        "--api-key-env",
        "--header",
        "--preset",
        "--max-requests",
        "--max-tokens",
        "--concurrency",
        "--rate",
        "--request-timeout",
        "--max-time",
        "--waivers",
        "--baseline",
        "--requirements",
        "--fail-on",
        "--report-dir",
        "--resume",
        "--plan",
        "--ca-bundle",
        "--insecure",
        "--proxy",
        "--hypothesis-seed",
        "--config",
    ]


def proxied(target: str, *words: str, **environ: str) -> str | None:
    values, _ = take_options([f"--target={target}", *words])
    return read_options(values, environ).proxy


def test_proxies_are_those_of_curl() -> None:
    there = "http://example.com:81"
    assert proxied(there) is None
    assert proxied(there, "--proxy=http://p:1") == "http://p:1"
    assert proxied(there, http_proxy="p:1") == "http://p:1"
    assert proxied(there, HTTPS_PROXY="http://p:1") is None
    assert proxied("https://example.com", HTTPS_PROXY="http://p:1") == "http://p:1"
    assert proxied(there, ALL_PROXY="http://p:1") == "http://p:1"
    assert proxied(there, http_proxy="p:1", NO_PROXY="x,.example.com") is None
    assert (
        proxied("http://10.2.3.4", http_proxy="p:1", NO_PROXY="x, 10.0.0.0/8") is None
    )
    assert proxied("http://11.2.3.4", http_proxy="p:1", NO_PROXY="x, 10.0.0.0/8") == (
        "http://p:1"
    )
    assert proxied("mock", http_proxy="p:1") is None
    assert "--proxy" in complaint("--proxy=nowhere")


@pytest.mark.parametrize(
    "host", ["a" * 64, "a..b", "\u202eevil", "a\x1b[31m", "\udcff"]
)
def test_what_can_be_no_host_is_no_address(host: str) -> None:
    values, _ = take_options([f"--target=http://{host}/"])
    with pytest.raises(OptionError, match="not an http or https address"):
        read_options(values, {})
    values, _ = take_options(["--target=http://b\u00fccher.test/"])
    assert read_options(values, {}).target == "http://b\u00fccher.test"


def test_what_no_report_could_hold_is_no_value() -> None:
    assert "at most" in complaint(f"--hypothesis-seed={10**300}")
    assert "at most" in complaint(f"--max-requests={2**63}")
    assert "UTF-8" in complaint("--model=a\udcff")


def test_what_is_not_given_is_the_documented_default() -> None:
    assert options() == RunOptions(target="mock")


def test_every_option_arrives(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    made = options(
        "--dialect=infinity",
        "--model=llama",
        "--model=rerank=bge=m3",
        "--apis=rerank, score",
        "--without=dimensions",
        "--api-key-env=KEY",
        "--header=X-Tenant: blue",
        "--preset=deep",
        "--max-requests=9",
        "--max-tokens=99",
        "--concurrency=2",
        "--rate=0.5",
        "--request-timeout=3",
        "--fail-on=inconclusive,should",
        f"--report-dir={tmp_path}",
        f"--ca-bundle={bundle}",
        "--hypothesis-seed=-7",
        KEY="secret",
    )
    assert made == RunOptions(
        target="mock",
        dialect="infinity",
        models={"*": "llama", "rerank": "bge=m3"},
        apis=("rerank", "score"),
        without=("dimensions",),
        api_key="secret",
        api_key_env="KEY",
        headers=(("X-Tenant", "blue"),),
        preset="deep",
        max_requests=9,
        max_tokens=99,
        concurrency=2,
        rate=0.5,
        request_timeout_s=3.0,
        fail_on=("must", "should", "inconclusive"),
        report_dir=tmp_path,
        ca_bundle=bundle,
        seed=-7,
    )


@pytest.mark.parametrize(
    ("target", "words", "seconds"),
    [
        ("http://h", [], 60.0),
        ("mock", [], 60.0),
        ("reference", [], 300.0),
        ("reference", ["--request-timeout=5"], 5.0),
    ],
)
def test_real_models_of_our_own_are_given_time(
    target: str, words: list[str], seconds: float
) -> None:
    assert options(f"--target={target}", *words).request_timeout_s == seconds


def test_the_usual_key_is_used_if_it_is_set() -> None:
    assert options(AIOS_API_KEY="secret").api_key == "secret"
    assert options(AIOS_API_KEY="").api_key is None
    with pytest.raises(OptionError, match="AIOS_API_KEY holds characters no header"):
        options(AIOS_API_KEY="secret\n")


def test_secrets_are_not_shown() -> None:
    made = options("--header=X-Key: hidden", AIOS_API_KEY="hidden")
    assert "hidden" not in repr(made)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dialect=aois"], "did you mean aios?"),
        (["--preset=smok"], "valid are smoke, standard, deep (did you mean smoke?)"),
        (["--model=embedding=x"], "did you mean embeddings?"),
        (["--model=a", "--model=b"], "two names for all APIs"),
        (["--model=rerank="], "the name is empty"),
        (["--apis=rerank,scores"], "did you mean score?"),
        (["--apis=,"], "the list is empty"),
        (["--without=tool"], "did you mean tools?"),
        (["--api-key-env=NOWHERE"], "the variable NOWHERE is not set"),
        (["--api-key-env=sk-key"], "--api-key-env: give the name of the variable"),
        (["--header=nothing"], "give 'Name: value'"),
        (["--header=A b: c"], "give 'Name: value'"),
        (["--header=A: b\r\nC: d"], "no header may hold"),
        (["--header=content-length: 5"], "each request has its own"),
        (["--max-requests=0"], "must be at least 1"),
        (["--max-tokens=many"], "not a whole number"),
        (["--concurrency=0"], "must be at least 1"),
        (["--rate=0"], "must be above 0"),
        (["--rate=nan"], "must be above 0"),
        (["--model=--"], "expected one argument"),
        (["--baseline=--"], "expected one argument"),
        (["--baseline=a\0b"], "holds a NUL character"),
        (["--max-time=60", "--rate=1e-300"], "only one request within --max-time 60"),
        (["--rate=0.0001"], "only one request within --max-time 7200"),
        (["--request-timeout=soon"], "not a number"),
        (["--fail-on=shoud"], "did you mean should?"),
        (["--waivers=/no/such.yaml"], "no such file"),
        (["--waivers=/"], "is no plain file"),
        (["--model==x"], "the name is empty"),
        (["--target=http://a b/"], "not an http or https address"),
        (["--ca-bundle=/no/such.pem"], "no such file"),
        ([f"--ca-bundle={__file__}", "--insecure"], "contradict"),
        ([f"--report-dir={__file__}"], "not a folder"),
        (["--report-dir="], "not a folder"),
        (["--hypothesis-seed=x"], "not a whole number"),
    ],
)
def test_a_bad_option_is_named_with_what_is_valid(words: list[str], said: str) -> None:
    text = complaint(*words)
    assert said in text
    assert words[-1].partition("=")[0] in text


def test_an_option_without_its_value_is_an_option_error() -> None:
    with pytest.raises(OptionError, match="expected one argument"):
        take_options(["--target"])


def test_foreign_words_stay_in_their_order() -> None:
    words = ["-k", "a b", "--target", "mock", "-n2", "--junitxml=x", "-m", "not slow"]
    values, rest = take_options(words)
    assert values["target"] == "mock"
    assert rest == ["-k", "a b", "-n2", "--junitxml=x", "-m", "not slow"]


@pytest.mark.parametrize("word", ["mock", "reference", "http://x", "ftp://x"])
def test_a_bundled_name_or_an_address_is_meant_for_us(word: str) -> None:
    assert is_target(word)


@pytest.mark.parametrize("word", ["staging", "localhost:8000", ""])
def test_other_words_may_be_meant_for_others(word: str) -> None:
    assert not is_target(word)


def test_a_url_loses_its_last_slash() -> None:
    assert read_target("https://host:8000/a/") == "https://host:8000/a"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("mok", "did you mean mock?"),
        ("localhost:8000", "did you mean http://localhost:8000?"),
        ("", "not a URL"),
        ("ftp://host", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http://host:port", "not an http or https address"),
        ("http://key@host", "a key in the address"),
        ("http://host?x=sk-key", "host?…: a base URL has no query"),
        ("http://me:sk-key/@[::1", "…@[::1: not an http or https address"),
        ("me:sk-key@host", "…@host: not a URL"),
    ],
)
def test_a_bad_target_is_explained(word: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        read_target(word)
    assert said in str(caught.value)
    assert "sk-key" not in str(caught.value)


WAIVER = "- {id: CHAT-SEM-010, reason: ticket 4711, expires: 2027-03-31}\n"


def waivers(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    return options(f"--waivers={path}").waivers


@pytest.mark.parametrize("head", ["", "waivers:\n"])
def test_waivers_are_read(tmp_path: Path, head: str) -> None:
    (waiver,) = waivers(tmp_path, head + WAIVER)
    assert waiver.id == "CHAT-SEM-010"
    assert waiver.reason == "ticket 4711"
    assert waiver.expires == "2027-03-31"


def test_a_topic_waives_all_rows_about_it(tmp_path: Path) -> None:
    text = "- {id: cut-finish-reason, reason: ticket 4711, expires: 2027-03-31}"
    found = waivers(tmp_path, text)
    assert [waiver.id for waiver in found] == ["CHAT-SEM-010", "COMP-SEM-007"]
    assert {(waiver.reason, waiver.expires) for waiver in found} == {
        ("ticket 4711", "2027-03-31")
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {id: cut-finish-reson, reason: x, expires: 2027-01-01}", "cut-finish-rea"),
        (
            "- {id: id-prefix, reason: x, expires: 2027-01-01}",
            "RERANK-RES-003 is a MAY",
        ),
        ("- {id: batch-size, reason: x, expires: 2027-01-01}", "belongs to infinity"),
        (
            f"{WAIVER}- {{id: cut-finish-reason, reason: x, expires: 2027-01-01}}",
            "entry 2: CHAT-SEM-010 is waived twice",
        ),
        ("- {id: CHAT-SEM-10, reason: x, expires: 2027-01-01}", "CHAT-SEM-010"),
        ("- {id: CHAT-SEM-010, expires: 2027-01-01}", "entry 1: reason is missing"),
        ("- {id: CHAT-SEM-010, reason: x}", "entry 1: expires is missing"),
        ("- {id: CHAT-SEM-010, reason: x, expires: soon}", "not a date"),
        ("- {id: CHAT-SEM-010, reason: x, until: 2027-01-01}", "unknown member until"),
        ("- {id: INF-RES-006, reason: x, expires: 2027-01-01}", "belongs to infinity"),
        ("- {id: RERANK-RES-002, reason: x, expires: 2027-01-01}", "MAY row"),
        ("- {id: COMMON-REQ-007, reason: x, expires: 2027-01-01}", "not judged"),
        (WAIVER + WAIVER, "entry 2: CHAT-SEM-010 is waived twice"),
        ("waivers: none", "must be a list"),
        ("- [", "cannot be read as YAML"),
        ("- word", "entry 1: must have"),
    ],
)
def test_a_bad_waiver_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        waivers(tmp_path, text)
    assert said in str(caught.value)
    assert "waivers.yaml" in str(caught.value)
