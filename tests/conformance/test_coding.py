"""Content codings are undone by dependencies of ours, within an answer's limits."""

import asyncio
import gzip
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd
from raw import answer, saying

from aios_conformance.conformance.observing import reading
from aios_conformance.conformance.observing.coding import CodingError, Decoding
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.terms.exchange import Response
from aios_conformance.conformance.terms.requests import Outgoing

PLAIN = b'{"id": "x"}' * 50


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}


def answered(body: bytes, coding: str) -> Response:
    async def story() -> Response | None:
        said = answer(body, headers=[f"Content-Encoding: {coding}"])
        async with saying(said) as target:
            options = RunOptions(target.url)
            async with Transport(options, target.url) as wire:
                return (await wire.send(Outgoing("GET /v1/models", None))).response

    response = asyncio.run(story())
    assert response is not None
    return response


@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_is_judged_by_what_it_says(coding: str) -> None:
    response = answered(CODINGS[coding](PLAIN), coding)
    assert response.body == PLAIN
    assert response.broken is None


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_may_come_byte_by_byte(coding: str) -> None:
    coded, decoding = CODINGS[coding](PLAIN), Decoding(coding)
    pieces = [decoding.feed(coded[i : i + 1], 10_000) for i in range(len(coded))]
    assert b"".join(pieces) == PLAIN


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_may_follow_one_another(coding: str) -> None:
    code = CODINGS[coding]
    coded = code(PLAIN[:40]) + code(b"") + code(PLAIN[40:])
    response = answered(coded + b"and more", coding)
    assert (response.body, response.broken) == (PLAIN, None)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate", "br", "zstd"])
def test_a_body_that_ends_within_its_coding_is_broken_off(coding: str) -> None:
    name = coding.lower()
    cut = answered(CODINGS[coding](PLAIN)[:-1], coding)
    assert cut.broken == f"the body ends within its {name}"
    assert answered(b"", coding).broken is None


def test_the_last_coding_is_undone_first() -> None:
    coded = gzip.compress(brotli.compress(PLAIN))
    assert Decoding("br, gzip").feed(coded, 10_000) == PLAIN


def test_a_coding_that_nobody_knows_is_named() -> None:
    with pytest.raises(CodingError, match="'snappy' is not known"):
        Decoding("snappy")
    assert "'snappy'" in (answered(b"x", "snappy").broken or "")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_what_is_not_of_the_coding_is_a_broken_answer(coding: str) -> None:
    assert f"the body is not {coding}" in (answered(PLAIN, coding).broken or "")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_swells_beyond_the_limit_is_cut(
    coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1_000)
    response = answered(CODINGS[coding](bytes(10_000_000)), coding)
    assert response.broken == "longer than 1000 bytes"
    assert len(response.body) < 200_000
