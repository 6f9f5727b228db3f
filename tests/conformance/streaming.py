"""Streamed chats made by hand: a right one, and any other."""

from typing import Any

from answers import SENT, chunk, streamed
from exchanges import exchange, findings, sse

from aios_conformance.conformance.checks import choices, common, streams
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.check import Finding
from aios_conformance.conformance.terms.exchange import Exchange

JUDGES = (
    *checks_in(streams),
    choices.each_prompt_has_n_choices,
    choices.a_stream_has_n_choices,
    common.total_is_input_plus_output,
)
LAYOUT = "CHAT-RES-025"
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
ASKED = {"include_usage": True}
ALONG = ASKED | {"continuous_usage_stats": True}


def ask(**members: Any) -> Any:
    return SENT["chat"] | {"stream": True, "max_tokens": 8} | members


def stream(body: Any, sent: Any = None, **over: Any) -> Exchange:
    """A streamed chat: exact bytes, or the events before [DONE]."""
    return exchange("chat", sent or ask(), stream=body, **over)


GOOD = streamed("Blue", " sky,", " then.")
BODY = sse(*GOOD)


def used(completion: int) -> dict[str, int]:
    """Usage that adds up."""
    total = USAGE["prompt_tokens"] + completion
    return USAGE | {"completion_tokens": completion, "total_tokens": total}


def counted(*counts: int) -> list[Any]:
    """A stream with usage along the way, and at last."""
    along = [
        piece | {"usage": used(count)}
        for piece, count in zip(GOOD, counts, strict=False)
    ]
    return [*along, *GOOD[len(along) :], chunk(usage=used(counts[-1]))]


def rows(*played: Exchange) -> set[str]:
    """The rows that all checks of single streams find broken."""
    return {row for f in found(*played) for row in f[1]}


def found(*played: Exchange) -> list[tuple[Finding, tuple[str, ...]]]:
    return [
        (finding, finding.ids or check.ids)
        for check in JUDGES
        for finding in findings(check, *played)
    ]
