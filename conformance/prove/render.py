"""The published matrix: JSON for programs, Markdown and one HTML file for people."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from aios_conformance.conformance.prove.matrix import Matrix, Proof
from aios_conformance.conformance.prove.trial import GOOD, Trial

_INTRODUCTION = (
    "Every defect is one promise that the mock breaks on purpose; every variation "
    "is a freedom that the documents leave."
)


def render_json(matrix: Matrix, about: Mapping[str, Any]) -> str:
    """The whole matrix."""
    content = {
        **about,
        "figures": matrix.figures,
        "unproved": [row.id for row in matrix.unproved],
        "requirements": {
            proof.row.id: {
                "level": proof.row.level,
                "primary": proof.primary,
                "shared": proof.shared,
                "declared": proof.declared,
            }
            for proof in matrix.proofs
        },
        "trials": to_builtins(matrix.trials),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _lines(matrix: Matrix) -> list[tuple[str, str]]:
    figures = matrix.figures
    return [
        (f"{figures['killed']} of {figures['defects']}", "defects killed"),
        (
            f"{figures['precise']} of {figures['defects']}",
            "killed precisely: nothing tripped that they do not declare",
        ),
        (f"{figures['silent']} of {figures['variations']}", "variations left alone"),
        (
            f"{figures['proved']} of {figures['requirements']}",
            "MUST and SHOULD rows that have shown that they can fail",
        ),
    ]


def render_markdown(matrix: Matrix, about: Mapping[str, Any]) -> str:
    """The matrix as tables."""
    out = [
        "# Kill matrix",
        "",
        _INTRODUCTION,
        "",
        ", ".join(f"{name} {value}" for name, value in about.items()) + ".",
        "",
        *(f"- **{count}** {what}" for count, what in _lines(matrix)),
        "",
    ]
    if matrix.unproved:
        ids = ", ".join(row.id for row in matrix.unproved)
        out += [f"Not yet shown to be able to fail: {ids}.", ""]
    out += [
        "| defect | primary | outcome | also tripped | what is broken |",
        "|---|---|---|---|---|",
        *(_row(trial) for trial in matrix.defects),
        "",
        "| variation | freedom | outcome | tripped | what is varied |",
        "|---|---|---|---|---|",
        *(_row(trial) for trial in matrix.variations),
        "",
        "| requirement | level | primary of | shares a check with | declared by |",
        "|---|---|---|---|---|",
        *(
            f"| {proof.row.id} | {proof.row.level} | {_some(proof.primary)} "
            f"| {_some(proof.shared)} | {_some(proof.declared)} |"
            for proof in matrix.proofs
        ),
    ]
    return "\n".join(out) + "\n"


def _some(names: Sequence[str]) -> str:
    """How many defects, and the first of them by name."""
    return f"{len(names)}: `{names[0]}`" if names else "0"


def _row(trial: Trial) -> str:
    planted = trial.planted
    others = ", ".join(row for row in trial.tripped if row != planted.primary)
    cells = [
        f"`{planted.name}`",
        planted.primary or planted.freedom or "",
        trial.outcome,
        others,
        planted.description + (f" ({planted.origin})" if planted.origin else ""),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def render_html(matrix: Matrix, about: Mapping[str, Any]) -> str:
    """One self-contained page."""
    figures = "".join(
        f"<li><b>{escape(count)}</b>{escape(what)}</li>"
        for count, what in _lines(matrix)
    )
    unproved = ", ".join(row.id for row in matrix.unproved)
    missing = (
        f"<p>Not yet shown to be able to fail: <code>{unproved}</code></p>"
        if unproved
        else ""
    )
    told = escape(", ".join(f"{name} {value}" for name, value in about.items()))
    return page(
        "Kill matrix",
        f"<p>{told}</p><ul class=figures>{figures}</ul>{missing}"
        + _table(matrix.defects, "Defects", "primary")
        + _table(matrix.variations, "Variations", "freedom")
        + _proofs(matrix.proofs),
    )


def page(title: str, body: str) -> str:
    """A page that loads nothing."""
    style = (Path(__file__).parent / "proof.css").read_text("utf-8")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{style}</style><h1>{title}</h1>{body}</html>\n"
    )


def _table(trials: list[Trial], title: str, column: str) -> str:
    rows = []
    for trial in trials:
        planted = trial.planted
        others = ", ".join(
            f"<span>{escape(row)}</span>"
            for row in trial.tripped
            if row != planted.primary
        )
        why = f" — {trial.reason}" if trial.reason else ""
        origin = f" ({planted.origin})" if planted.origin else ""
        css = "good" if trial.outcome in GOOD else "bad"
        rows.append(
            f"<tr><td><code>{escape(planted.name)}</code>"
            f"<td><span>{escape(planted.primary or planted.freedom or '')}</span>"
            f"<td class={css}>{escape(trial.outcome + why)}"
            f"<td>{others}<td>{escape(planted.description + origin)}"
        )
    return (
        f"<h2>{title}</h2><table><thead><tr><th>name<th>{column}<th>outcome"
        f"<th>also tripped<th>what it does</thead>{''.join(rows)}</table>"
    )


def _proofs(proofs: Sequence[Proof]) -> str:
    rows = []
    for proof in proofs:
        css = "good" if proof.is_given else "bad"
        named = [
            f"<td>{len(names)}" + (f" <code>{escape(names[0])}</code>" if names else "")
            for names in (proof.primary, proof.shared, proof.declared)
        ]
        rows.append(
            f"<tr><td class={css}>{escape(proof.row.id)}"
            f"<td>{escape(proof.row.level)}{''.join(named)}"
        )
    return (
        "<h2>Requirements</h2><p>What has shown that each MUST and SHOULD row can fail:"
        " it is the primary of a killed defect, or the check that noticed one serves it"
        " too. What a defect declares and trips besides is no proof by itself.</p>"
        "<table><thead><tr><th>requirement<th>level<th>primary of"
        f"<th>shares a check with<th>declared by</thead>{''.join(rows)}</table>"
    )
