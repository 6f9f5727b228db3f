"""badge.json (the form that shields.io reads from an address) and badge.svg."""

from xml.sax.saxutils import escape

import orjson

from aios_conformance.conformance.reporting.wording import chosen
from aios_conformance.conformance.terms.result import RunResult

LABEL = "AIOS conformance"
_COLOURS = {"brightgreen": "#2f8f46", "yellow": "#9a6700", "red": "#c0352b"}
_GREY = "#6e7781"
_CHARACTER = 6.6  # mean width of a character at 11 px, in pixels


def message(result: RunResult) -> tuple[str, str]:
    """What the badge says, and its colour by shields' names."""
    counts = chosen(result).summary
    judged = counts["pass"] + counts["warn"] + counts["fail"] + counts["unstable"]
    if not result.complete:
        return "incomplete", "lightgrey"
    if counts["fail"] or counts["error"]:
        return f"{counts['fail'] + counts['error']} of {judged} failing", "red"
    if result.claim.startswith("full"):
        return f"{result.claim}, {judged} requirements", "brightgreen"
    if result.claim.startswith("partial"):
        return f"partial, {judged} requirements", "yellow"
    return "no claim", "lightgrey"


def render_json(result: RunResult) -> str:
    """The endpoint form."""
    text, colour = message(result)
    badge = {
        "schemaVersion": 1,
        "label": _label(result),
        "message": text,
        "color": colour,
        "isError": colour == "red",
    }
    return orjson.dumps(badge, option=orjson.OPT_INDENT_2).decode() + "\n"


def render_svg(result: RunResult) -> str:
    """A flat badge of two fields, readable without any other file."""
    text, name = message(result)
    label = _label(result)
    left, right = (round(len(each) * _CHARACTER) + 14 for each in (label, text))
    title = escape(f"{label}: {text}")
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" \
aria-label="{title}">
<title>{title}</title>
<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="20" fill="#3b4048"/>
<rect x="{left}" width="{right}" height="20" fill="{_COLOURS.get(name, _GREY)}"/>
</g>
<g fill="#fff" text-anchor="middle" font-size="11" \
font-family="Verdana,DejaVu Sans,Geneva,sans-serif">
<text x="{left / 2}" y="14" textLength="{left - 12}">{escape(label)}</text>
<text x="{left + right / 2}" y="14" textLength="{right - 12}">{escape(text)}</text>
</g>
</svg>
"""


def _label(result: RunResult) -> str:
    return LABEL if result.dialect == "aios" else f"{LABEL} ({result.dialect})"
