"""GET /metrics: what happened, under the names that vLLM's metrics have."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from aios_conformance.serving.meter import Histogram, Meter, Numbers

if TYPE_CHECKING:
    from prometheus_client import Metric

_HISTOGRAMS: Final = {
    "time_to_first_token_seconds": ("Time to the first byte in seconds.", "first"),
    "inter_token_latency_seconds": ("Time between two tokens in seconds.", "pause"),
    "e2e_request_latency_seconds": ("Time of a request in seconds.", "whole"),
    "request_prompt_tokens": ("Prompt tokens of a request.", "prompt"),
    "request_generation_tokens": ("Tokens generated for a request.", "generated"),
}
"""What each is about, and its name among the numbers of a model."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def written(meter: Meter, models: Iterable[str], places: int) -> bytes:
    """Return all metrics in Prometheus' text format.

    `models` are told of whether they were asked or not; `places` is how many requests
    fill a model's cache. The newer format is not written: the library then changes
    names that have a colon.
    """
    # only who asks for metrics pays for it
    from prometheus_client import generate_latest  # noqa: PLC0415

    return generate_latest(_Collected(meter, models, places))


class _Collected:
    """The metrics, as an encoder asks a registry for them."""

    def __init__(self, meter: Meter, models: Iterable[str], places: int) -> None:
        self._meter = meter
        self._places = places
        self._names = sorted({*models, *meter.models, *meter.running})

    def collect(self) -> Iterator["Metric"]:
        """Yield every metric."""
        from prometheus_client.core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        meter, labels = self._meter, ("engine", "model_name")
        running = GaugeMetricFamily(
            "vllm:num_requests_running", "Requests in work.", labels=labels
        )
        waiting = GaugeMetricFamily(
            "vllm:num_requests_waiting",
            "Requests waiting to be worked on.",
            labels=labels,
        )
        cache = GaugeMetricFamily(
            "vllm:kv_cache_usage_perc", "Share of the places in use.", labels=labels
        )
        prompt = CounterMetricFamily(
            "vllm:prompt_tokens", "Prompt tokens read.", labels=labels
        )
        generated = CounterMetricFamily(
            "vllm:generation_tokens", "Tokens generated.", labels=labels
        )
        success = CounterMetricFamily(
            "vllm:request_success",
            "Answers, by how they ended.",
            labels=(*labels, "finished_reason"),
        )
        histograms = {
            name: HistogramMetricFamily(f"vllm:{name}", about, labels=labels)
            for name, (about, _) in _HISTOGRAMS.items()
        }
        for name in self._names:
            numbers, values = meter.models.get(name) or Numbers(), ("0", name)
            waits = meter.waiting[name]
            runs = meter.running[name] - waits
            running.add_metric(values, runs)
            cache.add_metric(values, min(1.0, runs / self._places))
            waiting.add_metric(values, waits)
            prompt.add_metric(values, numbers.prompt.sum)
            generated.add_metric(values, numbers.generated.sum)
            for reason, count in tuple(numbers.finished.items()):
                success.add_metric((*values, reason), count)
            for metric, (_, attribute) in _HISTOGRAMS.items():
                one: Histogram = getattr(numbers, attribute)
                histograms[metric].add_metric(values, one.buckets(), one.sum)
        yield from (running, waiting, cache, prompt, generated, success)
        yield from histograms.values()
        answered = CounterMetricFamily(
            "http_requests",
            "Requests, by path, method and hundreds of the status.",
            labels=("handler", "method", "status"),
        )
        for (handler, method, hundreds), count in tuple(meter.answered.items()):
            answered.add_metric((handler, method, f"{hundreds}xx"), count)
        yield answered
