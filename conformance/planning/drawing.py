"""Drawing and shrinking parameters with Hypothesis, repeatable everywhere.

A draw depends on the seed, the probe's name and the strategy alone. Two habits of
Hypothesis are switched off for that: it mixes in constants of whatever local
modules happen to be loaded, and it keeps a database of failures.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, configuration, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.internal.conjecture.providers import (
    AVAILABLE_PROVIDERS,
    HypothesisProvider,
)
from hypothesis.internal.constants_ast import Constants

from aios_conformance.conformance.terms.probe import Params

REPEATABLE = "aios-conformance"
"""The backend of Hypothesis whose draws depend on nothing but seed and strategy."""
_SPARE = 3  # examples above the wanted count: the first is trivial, some are equal
_ROUNDS = 3


class _Repeatable(HypothesisProvider):
    """Hypothesis' own provider, blind to the constants of local modules."""

    @property
    def _local_constants(self) -> Constants:
        return Constants()


AVAILABLE_PROVIDERS[REPEATABLE] = f"{__name__}.{_Repeatable.__qualname__}"


def plain(params: Params) -> Params:
    """Parameters as the JSON value that a recording keeps of them.

    Raises:
        TypeError: they are no JSON.

    """
    return json.loads(json.dumps(params))


def key(params: Params) -> str:
    """One text per JSON value."""
    return json.dumps(params, sort_keys=True)


def seed_of(seed: int, name: str) -> int:
    """The seed of one probe: probes do not disturb each other's draws."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8])


def draw(
    name: str, strategy: st.SearchStrategy[Params], count: int, seed: int
) -> list[Params]:
    """Up to `count` distinct parameter values, the trivial first example left out.

    Fewer come back only when the strategy has no more to give.
    """
    found: dict[str, Params] = {}
    for attempt in range(_ROUNDS):
        examples: list[Params] = []
        most = (count + _SPARE) * 4**attempt
        _run(strategy, seed_of(seed, name), most, (Phase.generate,), examples.append)
        values = [plain(example) for example in examples]
        found = {key(value): value for value in values}
        trivial = key(values[0])
        if len(found) > count:
            del found[trivial]
        if len(found) >= count:
            break
    return list(found.values())[:count]


def shrink(
    name: str,
    strategy: st.SearchStrategy[Params],
    count: int,
    seed: int,
    fails: Callable[[Params], bool],
) -> None:
    """Repeat a draw, then search for ever smaller parameters that still fail.

    `fails` is asked for each parameter value that Hypothesis proposes; it keeps
    what it learns, decides what an unknown value may cost, and raises Enough to end
    the search.
    """

    def proposed(params: Params) -> None:
        if fails(plain(params)):
            raise _StillFails

    phases = (Phase.generate, Phase.shrink)
    most = count + _SPARE  # as in the first round of drawing, which all but few need
    try:
        _run(strategy, seed_of(seed, name), most, phases, proposed)
    except (_StillFails, Enough, HypothesisException):
        return  # found, or given up: a target that wavers ends the search, no more


class Enough(BaseException):
    """Nothing more may be asked."""


class _StillFails(Exception):  # noqa: N818 - a signal to Hypothesis, never shown
    """The proposed parameters still fail."""


def _run(
    strategy: st.SearchStrategy[Params],
    seed: int,
    most: int,
    phases: tuple[Phase, ...],
    body: Callable[[Params], Any],
) -> None:
    @seeded(seed)
    @settings(
        phases=phases,
        database=None,
        deadline=None,
        max_examples=most,
        suppress_health_check=list(HealthCheck),
        backend=REPEATABLE,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def example(params: Params) -> None:
        body(params)

    with _home():
        example()


@contextmanager
def _home() -> Iterator[None]:
    """Keep Hypothesis' tables out of the folder that we are started in."""
    before = getattr(configuration, "__hypothesis_home_directory", None)
    configuration.set_hypothesis_home_dir(
        Path(gettempdir()) / "aios-conformance-hypothesis"
    )
    try:
        yield
    finally:
        configuration.set_hypothesis_home_dir(before)
