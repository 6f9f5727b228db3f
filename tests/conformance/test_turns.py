"""Refusals take turns: whole and streamed, by seed, at no cost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.terms.probe import Step

GENERATING = ("chat", "completions")


def refused(options: RunOptions) -> Iterator[tuple[tuple[str, int, str], Step]]:
    """What chat and completions are to refuse, by probe, draw and label."""
    for scenario in plan(options).scenarios:
        for step in scenario.steps:
            if step.expect == "refuse" and scenario.api(step) in GENERATING:
                yield (*scenario.name, step.label), step


def streamed(options: RunOptions) -> set[tuple[str, int, str]]:
    return {
        name
        for name, step in refused(options)
        if isinstance(step.body, dict) and step.body.get("stream") is True
    }


@pytest.fixture
def options(plan_cache: Path) -> RunOptions:
    return RunOptions("http://h", cache_dir=plan_cache)


def test_many_refusals_ask_for_a_stream_and_the_others_do_with_the_next_seed(
    options: RunOptions,
) -> None:
    now, then = streamed(options), streamed(replace(options, seed=1))
    names = {name for name, step in refused(options) if isinstance(step.body, dict)}
    tables = {name for name in names if ".drawn" not in name[0]}
    assert len(now & tables) > len(tables) / 3
    stay = {name for name in tables if (name in now) == (name in then)}
    assert {name[0] for name in stay} <= {"chat.refused", "completions.refused"}
    assert len(stay) == 3  # `stream` itself is wrong there


def test_what_is_shared_stays_shared(options: RunOptions) -> None:
    one, other = (plan(replace(options, seed=seed)) for seed in (0, 1))
    assert one.summary.requests == other.summary.requests


def test_a_target_without_streams_is_not_asked_for_one(options: RunOptions) -> None:
    assert streamed(replace(options, without=("streaming",))) == set()
