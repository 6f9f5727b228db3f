"""report.html, the evidence: what was sent and answered, and how to see it again."""

from collections.abc import Sequence

from aios_conformance.conformance.reporting.excerpt import (
    answer_head,
    answer_text,
    request_text,
    wire_answer,
    wire_request,
)
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import table
from aios_conformance.conformance.reporting.python_call import openai_program
from aios_conformance.conformance.reporting.stream_timeline import (
    REST,
    Moment,
    shortened,
    timeline,
)
from aios_conformance.conformance.terms.curl import httpie_line, named_variables
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.visible import visible

EVENTS_SHOWN = 12
LONGEST_BODY = 20_000
"""A longer body is repeated by curl alone, or the page would hold it three times."""
_SAID = 160
_COLUMNS = (
    ("Event", "number", None),
    ("At, ms", "number", None),
    ("Gap, ms", "", 2),
    ("Bytes", "number", None),
    ("Data", "", None),
)


def evidence(exchange: Exchange | None, url: str, curl: str) -> Markup:
    """Request and answer, the stream as it came, the wire, commands to repeat it."""
    moments = timeline(exchange) if exchange else ()
    parts = (
        [
            _pair(exchange, is_stream=bool(moments)),
            _stream(moments),
            _wire(exchange),
        ]
        if exchange
        else []
    )
    curl_block = block("Reproduce with curl", curl, copy=True)
    return html(*parts, curl_block, _others(exchange, url))


def _pair(exchange: Exchange, *, is_stream: bool) -> Markup:
    """Request and answer; the events of a stream stand below."""
    broken = f": {exchange.breaks}" if exchange.breaks else ""
    asked = {
        "accept": "to be accepted",
        "refuse": f"to be refused{broken}",
        "either": "",
    }
    answer = answer_head(exchange) if is_stream else answer_text(exchange)
    return tag(
        "div",
        block("Request", request_text(exchange), hint=asked[exchange.expect]),
        block("Answer", answer, untrusted=True),
        class_="pair",
    )


def _wire(exchange: Exchange) -> Markup:
    return _folded(
        f"Wire log of {exchange.id}",
        tag(
            "div",
            block("As sent", wire_request(exchange)),
            block("As received", wire_answer(exchange), untrusted=True),
            class_="pair",
        ),
    )


def _others(exchange: Exchange | None, url: str) -> Markup | None:
    if exchange is None or len(exchange.request.body) > LONGEST_BODY:
        return None
    request = exchange.request
    httpie = visible(httpie_line(url, request, named_variables(request)))
    program = openai_program(url, request)
    return _folded(
        "The same with OpenAI's Python client, or with HTTPie",
        block("Python", program, copy=True)
        if program
        else tag("p", "OpenAI's client cannot send this: it is no POST of an object."),
        block("HTTPie", httpie, copy=True),
    )


def _stream(moments: Sequence[Moment]) -> Markup | None:
    if not moments:
        return None
    longest = max((each.gap_ms or 0.0 for each in moments), default=0.0)
    lines: list[Markup] = []
    before = -1
    for number, each in shortened(moments, EVENTS_SHOWN):
        if number > before + 1:
            left = f"… {number - before - 1} more events like these"
            lines.append(tag("tr", tag("td", left, colspan=5, class_="level")))
        is_end = number == len(moments) - 1
        lines.append(_moment("" if is_end else str(number), each, longest))
        before = number
    wrong = any(each.wrong for each in moments)
    is_cut = moments[-1].end == REST
    many = f"the first {len(moments) - 1}" if is_cut else len(moments) - 1
    said = "the grammar of chunks breaks where it is marked" if wrong else "in order"
    head = tag(
        "tr",
        [
            tag("th", name, class_=kind or None, colspan=width)
            for name, kind, width in _COLUMNS
        ],
    )
    return html(
        tag("h3", f"The stream, event by event ({many} events, {said})"),
        table(head, lines, "stream", frame="scroll"),
    )


def _moment(name: str, each: Moment, longest: float) -> Markup:
    share = round(100 * (each.gap_ms or 0.0) / longest) if longest else 0
    said = visible(each.said)
    cut = said if len(said) <= _SAID else f"{said[:_SAID]}…"
    mark = tag("b", each.wrong, class_="wrong") if each.wrong else None
    return tag(
        "tr",
        tag("td", name, class_="number"),
        tag("td", _ms(each.at_ms), class_="number"),
        tag("td", _ms(each.gap_ms), class_="number"),
        tag("td", tag("i", style=f"width:{share}%"), class_="gap"),
        tag("td", each.size, class_="number"),
        tag("td", mark, tag("code", cut)),
        class_="broken" if each.wrong else None,
    )


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _folded(title: str, *content: Markup) -> Markup:
    return tag("details", tag("summary", title), *content, class_="more")


def block(
    title: str,
    text: str,
    *,
    untrusted: bool = False,
    copy: bool = False,
    hint: str = "",
) -> Markup:
    """A titled text as it is, from the target or of ours."""
    if untrusted:
        hint = "from the target, untrusted"
    button = tag(
        "button",
        "Copy",
        type="button",
        class_="copy needs-js",
        hidden=True,
        aria_label=f"Copy: {title}",
    )
    return tag(
        "div",
        tag(
            "div",
            tag(
                "h3", title, tag("span", f" ({hint})", class_="hint") if hint else None
            ),
            button if copy else None,
            class_="head",
        ),
        tag("pre", text, class_="untrusted" if untrusted else None, tabindex=0),
        class_="block",
    )
