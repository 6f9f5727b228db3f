"""Draws repeat everywhere, and shrinking asks no more than it must."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import strategies as st

from aios_conformance.conformance.planning.drawing import (
    draw,
    key,
    plain,
    seed_of,
    shrink,
)
from aios_conformance.conformance.terms.probe import Params

LISTS = st.lists(st.integers(0, 1000), min_size=1, max_size=5)


def test_the_same_seed_draws_the_same() -> None:
    assert draw("a", LISTS, 5, 1) == draw("a", LISTS, 5, 1)


def test_another_seed_or_name_draws_something_else() -> None:
    drawn = draw("a", LISTS, 5, 1)
    assert draw("a", LISTS, 5, 2) != drawn
    assert draw("b", LISTS, 5, 1) != drawn
    assert seed_of(1, "a") != seed_of(1, "b")


def test_draws_are_distinct_and_the_trivial_one_is_left_out() -> None:
    drawn = draw("a", LISTS, 20, 0)
    assert len({key(value) for value in drawn}) == 20
    assert [0] not in drawn


def test_a_small_strategy_gives_all_that_it_has() -> None:
    assert sorted(draw("a", st.sampled_from("xyz"), 10, 0)) == ["x", "y", "z"]


def test_a_strategy_of_one_value_gives_that_value() -> None:
    assert draw("a", st.none(), 1, 0) == [None]


def test_draws_are_plain_json() -> None:
    (value,) = draw("a", st.just((1, {"a": (2,)})), 1, 0)
    assert value == [1, {"a": [2]}]


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        plain({"a": object()})


def test_draws_do_not_depend_on_what_else_is_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "if len(sys.argv) > 1: import constants\n"
        "from hypothesis import strategies as st\n"
        "from aios_conformance.conformance.planning.drawing import draw\n"
        "print(draw('a', st.lists(st.integers() | st.text(), min_size=3), 30, 0))\n"
    )
    numbers = ", ".join(str(i * 77_777) for i in range(500))
    (tmp_path / "constants.py").write_text(f"NUMBERS = [{numbers}]\n")

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert run() == run("with constants")
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []


def smallest(
    strategy: st.SearchStrategy[Params], count: int, fails: list[Params]
) -> Params:
    """What shrinking comes to when it may ask for anything."""
    found: list[Params] = []

    def asked(params: Params) -> bool:
        is_failing = params in fails or (isinstance(params, list) and sum(params) > 100)
        if is_failing:
            found.append(params)
        return is_failing

    shrink("a", strategy, count, 0, asked)
    return min(found, key=lambda p: len(key(p)))


def test_shrinking_finds_a_smallest_case() -> None:
    assert smallest(LISTS, 5, []) == [101]


def test_shrinking_begins_with_what_was_drawn() -> None:
    asked: list[Params] = []

    def fails(params: Params) -> bool:
        asked.append(params)
        return False

    drawn = draw("a", LISTS, 5, 3)
    shrink("a", LISTS, 5, 3, fails)
    assert all(value in asked for value in drawn)


def test_a_wavering_target_ends_the_search() -> None:
    answers = iter([True] + [False] * 1000)
    shrink("a", LISTS, 5, 0, lambda _: next(answers))


def test_an_error_while_asking_is_not_swallowed() -> None:
    def fails(_: Params) -> bool:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        shrink("a", LISTS, 5, 0, fails)
