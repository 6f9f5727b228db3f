"""The museum's matrix: real bugs of real servers, and what the suite made of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final

from aios_conformance.conformance.prove.render import page
from aios_conformance.conformance.prove.trial import GOOD, Trial

_INTRODUCTION = (
    "Every exhibit is a bug that somebody reported of a server of this family, played "
    "by the mock; none was invented by those who wrote the checks. "
    "A bug is killed when its primary, the row that must notice, trips; it survived "
    "when that row did not, whatever else tripped; it was unreached when no request of "
    "the plan touched it. A freedom is silent when nothing trips."
)
_COLUMNS = (
    "exhibit", "report", "line", "primary", "outcome", "schemathesis", "acts",
    "also tripped", "what goes wrong",
)  # fmt: skip
SCHEMATHESIS: Final = Path(__file__).with_name("schemathesis.json")
"""What benchmarks/judge_against_schemathesis.py found out last."""


@cache
def elsewhere() -> Mapping[str, Any]:
    """What schemathesis made of the exhibits: its version, when, and each outcome."""
    found: Mapping[str, Any] = json.loads(SCHEMATHESIS.read_bytes())
    return found


def figures(trials: Sequence[Trial]) -> dict[str, float]:
    """The museum in numbers; the requests are those that a run takes on average."""
    bugs = [t for t in trials if not t.planted.is_variation]
    free = [t for t in trials if t.planted.is_variation]
    killed = sum(t.outcome in ("killed", "imprecise") for t in bugs)
    requests = sum(t.requests for t in bugs) / max(1, len(bugs))
    return {
        "bugs": len(bugs),
        "killed": killed,
        "killed_by_each_hundred_requests": round(100 * killed / max(1, requests), 1),
        "precise": sum(t.outcome == "killed" for t in bugs),
        "survived": sum(t.outcome == "survived" for t in bugs),
        "survived_but_other_rows_tripped": sum(
            t.outcome == "survived" and bool(t.tripped) for t in bugs
        ),
        "unreached": sum(t.outcome == "unreached" for t in bugs),
        "freedoms": len(free),
        "silent": sum(t.outcome == "silent" for t in free),
    }


def told(trials: Sequence[Trial]) -> str:
    """The figures as a sentence."""
    n = figures(trials)
    return (
        f"museum: {n['killed']} of {n['bugs']} bugs killed, {n['precise']} of them "
        f"precisely; {n['survived']} survived, {n['unreached']} were never reached; "
        f"{n['silent']} of {n['freedoms']} freedoms left alone"
    )


def rendered(trials: Sequence[Trial], about: Mapping[str, Any]) -> dict[str, str]:
    """The matrix in each form, by the suffix of its file."""
    content = {
        **about,
        "figures": figures(trials),
        "schemathesis": elsewhere(),
        "trials": [asdict(trial) for trial in trials],
    }
    return {
        "json": json.dumps(content, indent=1, ensure_ascii=False) + "\n",
        "md": _markdown(trials, about),
        "html": _html(trials, about),
    }


def link(origin: str) -> str:
    """The address of a report: owner/repository#number."""
    repository, _, number = origin.partition("#")
    return f"https://github.com/{repository}/issues/{number}"


def _cells(trial: Trial) -> list[str]:
    """What is said of an exhibit, but its report."""
    planted = trial.planted
    others = ", ".join(row for row in trial.tripped if row != planted.primary)
    return [
        planted.source or "",
        planted.primary or planted.freedom or "",
        trial.outcome + (f": {trial.reason}" if trial.outcome == "error" else ""),
        elsewhere()["outcomes"].get(planted.name, "not tried"),
        f"{trial.acts} in {trial.requests} requests",
        others,
        planted.description,
    ]


def _compared(trials: Sequence[Trial]) -> str:
    """What the column of schemathesis stands on."""
    told = elsewhere()
    bugs = {t.planted.name for t in trials if not t.planted.is_variation}
    tried = [told["outcomes"][name] for name in bugs & told["outcomes"].keys()]
    return (
        f"schemathesis {told['version']}, with our OpenAPI document, all its checks "
        f"and seed {told['seed']}, killed {tried.count('killed')} of {len(tried)} bugs "
        f"({told['date']}); any failure counts that the faithful mock does not cause."
    )


def _markdown(trials: Sequence[Trial], about: Mapping[str, Any]) -> str:
    lines = [
        "# Museum",
        "",
        _INTRODUCTION,
        "",
        ", ".join(f"{name} {value}" for name, value in about.items()) + ".",
        "",
        _compared(trials),
        "",
        *(f"- **{n}** {name.replace('_', ' ')}" for name, n in figures(trials).items()),
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
    ]
    for trial in trials:
        origin = trial.planted.origin or ""
        cells = [f"`{trial.planted.name}`", f"[{origin}]({link(origin)})"]
        cells += [cell.replace("|", "\\|") for cell in _cells(trial)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _html(trials: Sequence[Trial], about: Mapping[str, Any]) -> str:
    rows = []
    for trial in trials:
        origin = trial.planted.origin or ""
        css = "good" if trial.outcome in GOOD else "bad"
        source, primary, outcome, *rest = map(escape, _cells(trial))
        rows.append(
            f"<tr><td><code>{escape(trial.planted.name)}</code>"
            f"<td><a href='{escape(link(origin))}'>{escape(origin)}</a>"
            f"<td>{source}<td>{primary}<td class={css}>{outcome}"
            + "".join(f"<td>{cell}" for cell in rest)
        )
    numbers = "".join(
        f"<li><b>{n}</b>{escape(name.replace('_', ' '))}"
        for name, n in figures(trials).items()
    )
    made = escape(", ".join(f"{name} {value}" for name, value in about.items()))
    head = "".join(f"<th>{name}" for name in _COLUMNS)
    return page(
        "Museum",
        f"<p>{escape(_INTRODUCTION)}</p><p>{made}</p>"
        f"<p>{escape(_compared(trials))}</p><ul class=figures>{numbers}</ul>"
        f"<table><thead><tr>{head}</thead>{''.join(rows)}</table>",
    )
