"""How long the target took, per operation: told, never judged."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from aios_conformance.conformance.terms.exchange import Exchange

PERCENTILES = (50, 90, 99)


def timing(
    exchanges: Iterable[Exchange],
) -> Mapping[str, Mapping[str, dict[str, float]]]:
    """Milliseconds by operation: whole answers, and the first byte of streams.

    Only successes count. Retried requests are left out: their time is waiting.
    """
    totals: dict[str, list[float]] = {}
    firsts: dict[str, list[float]] = {}
    for exchange in exchanges:
        if not exchange.is_success or exchange.attempts != 1:
            continue
        operation = exchange.request.operation
        totals.setdefault(operation, []).append(exchange.total_s * 1000)
        if exchange.is_stream and exchange.response and exchange.response.arrivals:
            first = exchange.response.arrivals[0][0]
            firsts.setdefault(operation, []).append(first * 1000)
    return {
        operation: {"total_ms": summary(totals[operation])}
        | ({"ttft_ms": summary(firsts[operation])} if operation in firsts else {})
        for operation in sorted(totals)
    }


def summary(values: Sequence[float]) -> dict[str, float]:
    """Count, smallest, percentiles (nearest rank) and largest of some values."""
    ordered = sorted(values)
    ranks = {f"p{p}": ordered[ceil(p / 100 * len(ordered)) - 1] for p in PERCENTILES}
    found = {"min": ordered[0], **ranks, "max": ordered[-1]}
    return {"count": len(ordered)} | {k: round(v, 2) for k, v in found.items()}
