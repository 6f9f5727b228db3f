"""Times are told, never judged."""

from exchanges import exchange

from aios_conformance.conformance.reporting.timing import summary, timing


def test_percentiles_are_nearest_ranks() -> None:
    found = summary([float(n) for n in range(1, 101)])
    assert found == {
        "count": 100,
        "min": 1.0,
        "p50": 50.0,
        "p90": 90.0,
        "p99": 99.0,
        "max": 100.0,
    }
    assert summary([3.0])["p99"] == 3.0


def test_successes_are_timed_by_operation() -> None:
    told = timing(
        [
            exchange("rerank", {}, {}, total_s=0.2),
            exchange("rerank", {}, {}, total_s=0.4),
            exchange("rerank", {}, {}, total_s=9.0, status=400),
            exchange("rerank", {}, {}, total_s=9.0, attempts=2),
            exchange("rerank", {}, failure="timeout", total_s=60.0),
            exchange(
                "chat",
                {"stream": True},
                stream=[{}],
                total_s=1.0,
                arrivals=((0.25, 5), (0.9, 9)),
            ),
        ]
    )
    assert told["POST /v1/rerank"]["total_ms"]["count"] == 2
    assert told["POST /v1/rerank"]["total_ms"]["max"] == 400.0
    assert "ttft_ms" not in told["POST /v1/rerank"]
    assert told["POST /v1/chat/completions"]["ttft_ms"]["p50"] == 250.0


def test_nothing_is_told_of_nothing() -> None:
    assert timing([]) == {}
