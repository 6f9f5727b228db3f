"""A run against an earlier one: what is broken anew, and what was known.

Known is what the earlier run has shown to be at least as bad; what it has not shown
is new. A row is lost whose API answered then, and is absent now.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from aios_conformance.conformance.options.values import Baseline
from aios_conformance.conformance.terms.result import RequirementResult

# The greater the worse. What is no longer shown to be kept is worse than kept.
BADNESS: Mapping[str, int] = {
    "info": 0,
    "pass": 0,
    "unstable": 1,
    "warn": 1,
    "not_applicable": 2,
    "inconclusive": 2,
    "waived": 3,
    "fail": 4,
    "error": 4,
}
_UNSHOWN = frozenset({"inconclusive", "not_applicable", "error", "info"})
_COMPARED = frozenset({"fail", "warn", "unstable", "inconclusive"})


def against(
    results: Sequence[RequirementResult],
    baseline: Baseline | None,
    absent: Collection[str] = (),
) -> list[RequirementResult]:
    """The results, each with what a baseline says of it.

    `absent` are the reasons for which whole APIs are absent.
    """
    if baseline is None:
        return list(results)
    return list(_compared(results, baseline.verdicts, absent))


def _compared(
    results: Sequence[RequirementResult],
    verdicts: Mapping[str, str],
    absent: Collection[str],
) -> Iterator[RequirementResult]:
    for each in results:
        before = verdicts.get(each.requirement.id)
        change = None
        if each.verdict in _COMPARED:
            change = "known" if _is_known(each.verdict, before) else "new"
        elif each.verdict == "not_applicable" and each.reason in absent:
            change = "new" if before and before not in _UNSHOWN else None
        yield replace(each, before=before, change=change)  # type: ignore[arg-type]


def _is_known(now: str, before: str | None) -> bool:
    if before is None or BADNESS[before] < BADNESS[now]:
        return False
    return now == "inconclusive" or before not in _UNSHOWN
