"""Exhibits of events, headers and refusals, each with requests that show it."""

from exhibit_case import Case, last, status
from exhibit_requests import chat, comp, emb, rerank, streamed
from plain_http import Reply


def is_cut(reply: Reply) -> bool:
    try:
        reply.json()
    except ValueError:
        return True
    return False


CASES: dict[str, Case] = {
    "cache-repeats-id": Case(
        [rerank(["a"]), rerank(["a"])],
        lambda found, _: found[0].json()["id"] == found[1].json()["id"],
    ),
    "sse-empty-data-heartbeat": last(
        streamed(comp()), lambda reply: b"\n\ndata:\n\n" in reply.body
    ),
    "sse-retry-only-event": last(
        streamed(comp()), lambda reply: reply.body.startswith(b"retry: 3000\n\n")
    ),
    "sse-id-then-ping": last(
        streamed(comp()), lambda reply: b"\n\n: ping\n\nid: 1\n" in reply.body
    ),
    "sse-heartbeat-inside-event": last(
        streamed(comp()), lambda reply: b"\n: heartbeat\n\n" in reply.body[:60]
    ),
    "sse-byte-order-mark-free": last(
        streamed(comp()), lambda reply: reply.body[:3] == b"\xef\xbb\xbf"
    ),
    "sse-cr-only-free": last(streamed(comp()), lambda reply: b"\r\r" in reply.body),
    "sse-first-chunk-without-choices": last(
        streamed(comp()), lambda reply: reply.chunks()[0]["choices"] == []
    ),
    "http-length-counts-characters": last(rerank(["서울", "Zürich"]), is_cut),
    "refusal-is-plain-text": last(
        chat(top_p=2), lambda reply: reply.body == b"Bad Request"
    ),
    "huge-integer-crashes": status(emb("a", truncate_prompt_tokens=-(2**63)), 500),
    "refusals-end-the-connection-free": last(
        emb({}), lambda reply: reply.headers.get("connection") == "close"
    ),
}
