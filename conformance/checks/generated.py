"""Reading the generations of a scenario, for the checks of decoding and sampling."""

from collections.abc import Iterable, Iterator

from conformance.check import Finding, Note, Witness
from conformance.exchange import Exchange, Observation
from conformance.probes.decoding import text_of
from conformance.views import is_whole


def on(name: str) -> tuple[str, ...]:
    """The probes of this name, of both generating APIs."""
    return (f"chat.{name}", f"completions.{name}")


def rows_of(
    seen: Observation, chat: str = "", completions: str = "", *both: str
) -> tuple[str, ...]:
    """The rows of the scenario's API, then those that both APIs share."""
    own = chat if seen.probe.startswith("chat.") else completions
    return (*own.split(), *both)


def texts_of(seen: Observation, *labels: str) -> list[str] | None:
    """The texts of some steps; None when one of them has none."""
    texts = [text_of(seen[label]) for label in labels if label in seen.steps]
    found = [text for text in texts if text is not None]
    return found if len(found) == len(labels) else None


def usage_of(exchange: Exchange, name: str) -> int | None:
    """A usage counter of an answer; None when there is none."""
    body = exchange.response.json if exchange.response else None
    usage = body.get("usage") if isinstance(body, dict) else None
    count = usage.get(name) if isinstance(usage, dict) else None
    return int(count) if is_whole(count) and isinstance(count, int | float) else None


def finish_of(exchange: Exchange) -> object:
    """The finish reason of the first choice."""
    body = exchange.response.json if exchange.response else None
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first.get("finish_reason") if isinstance(first, dict) else None


def equal(
    seen: Observation,
    rows: tuple[str, ...],
    plain: str,
    others: Iterable[str],
    *,
    soft: bool = False,
) -> Iterator[Note]:
    """The texts of `others` are that of `plain`."""
    for other in others:
        pair = texts_of(seen, plain, other)
        if pair is None:
            continue
        yield Witness(rows)
        if pair[0] != pair[1]:
            yield Finding(
                expected=f"{pair[0]!r}, as in step {plain}",
                actual=pair[1],
                step=other,
                soft=soft,
                kind="silent",
                ids=rows,
            )
