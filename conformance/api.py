"""The judge from Python: `conformance.run(target, …)` takes what the command takes.

from aios_conformance import conformance

result = conformance.run("http://127.0.0.1:8000", apis=["rerank"], preset="smoke")
for row in result.failed:
    print(row.requirement.id, row.findings[0].curl)
raise SystemExit(result.exit_code)
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from aios_conformance.conformance.options.values import OptionError, Preset

if TYPE_CHECKING:
    from aios_conformance.conformance.running.run import RunOutcome
    from aios_conformance.conformance.terms.events import RunEvent
    from aios_conformance.conformance.terms.result import (
        Evidence,
        RequirementResult,
        Verdict,
    )


class Options(TypedDict, total=False):
    """The options of the command, under their names; `aios-conformance run --help`.

    Lists may be given as lists, or as the command takes them; `model` and `header` as
    mappings too. A key is only ever named by its environment variable.
    """

    dialect: str | Path
    model: str | Iterable[str] | Mapping[str, str]
    apis: str | Iterable[str]
    without: str | Iterable[str]
    api_key_env: str
    only: str | Iterable[str]
    header: str | Iterable[str] | Mapping[str, str]
    preset: Preset
    max_requests: int
    max_tokens: int
    concurrency: int
    rate: float
    request_timeout: float
    max_time: float
    waivers: str | Path
    baseline: str | Path
    requirements: str
    fail_on: str | Iterable[str]
    report_dir: str | Path
    resume: bool
    ca_bundle: str | Path
    insecure: bool
    proxy: str
    hypothesis_seed: int
    config: str | Path


@dataclass(frozen=True, slots=True)
class Result:
    """What a run has shown. Reports that say all of it lie at `paths`."""

    url: str
    dialect: str
    claim: str  # "full", "full, 2 unstable", "partial: …" or "none"
    complete: bool
    cut_short: str | None  # why it is not complete
    exit_code: int  # what the command answers: 0 judged and not red, 1 red, …
    counts: "Mapping[Verdict, int]"  # how many requirements got each verdict
    requirements: "tuple[RequirementResult, ...]"
    paths: Mapping[str, Path]  # by file name: report.json, report.html, …

    @property
    def failed(self) -> "tuple[RequirementResult, ...]":
        """The broken obligations."""
        return tuple(each for each in self.requirements if each.verdict == "fail")

    @property
    def findings(self) -> "tuple[Evidence, ...]":
        """All that was found, whatever verdict it led to."""
        return tuple(found for each in self.requirements for found in each.findings)


def run(
    target: str,
    *,
    listener: "Callable[[RunEvent], None]" = lambda _: None,
    **options: Unpack[Options],
) -> Result:
    """Judge a target as `aios-conformance run TARGET` does, and write its reports.

    `listener` hears of everything that happens meanwhile. Where an event loop runs
    already, as in a notebook, it waits for the result.

    Raises:
        OptionError: a bad option or file; it says which, and what is valid.
        TargetError: the target cannot be reached, or serves no usable model.
        SuiteError: a fault of the suite itself.
        KeyboardInterrupt: it was interrupted; what was recorded is judged and written.

    """
    from aios_conformance.conformance.options.config_file import with_config  # noqa: PLC0415  not before it is needed
    from aios_conformance.conformance.options.selection import selected  # noqa: PLC0415
    from aios_conformance.conformance.options.settings import read_options  # noqa: PLC0415
    from aios_conformance.conformance.running.session import run_and_report  # noqa: PLC0415

    values = with_config(_values(target, options))
    made = read_options(values, os.environ)
    chosen = selected(values["only"], made.dialect)
    outcome = _in_peace(lambda: run_and_report(made, listener, chosen))
    if outcome.error is not None:
        raise outcome.error
    if outcome.is_interrupted:
        raise KeyboardInterrupt
    result = outcome.result
    files = (path for path in made.report_dir.iterdir() if path.is_file())
    return Result(
        result.url,
        result.dialect,
        result.claim,
        result.complete,
        result.cut_short,
        outcome.exit_code(made.fail_on),
        result.summary,
        tuple(result.requirements),
        {path.name: path for path in sorted(files)},
    )


def _in_peace(call: "Callable[[], RunOutcome]") -> "RunOutcome":
    """Call where no event loop runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def _values(target: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The words that a command line would have. Raises OptionError."""
    from aios_conformance.conformance.options.table import ONLY, OPTIONS, TARGET  # noqa: PLC0415

    known = list(Options.__annotations__)
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f": did you mean {near[0]}?" if near else ""
            raise OptionError(
                f"unknown option {name}{meant}",
                code="bad-option",
                hint=f"valid are {', '.join(known)}",
            )
    taken = (*OPTIONS, ONLY)
    found: dict[str, Any] = {each.name: None for each in taken}
    found |= {TARGET.name: target or None}
    for each in taken:
        value = options.get(each.name)
        if value is None:
            continue
        if each.metavar is None:
            found[each.name] = bool(value)
        elif isinstance(value, Mapping):
            between = "=" if each.name == "model" else ": "
            found[each.name] = [f"{key}{between}{text}" for key, text in value.items()]
        elif isinstance(value, str | Path | int | float):
            found[each.name] = [str(value)] if each.repeatable else str(value)
        else:
            words = [str(word) for word in value]
            found[each.name] = words if each.repeatable else ",".join(words)
    return found
