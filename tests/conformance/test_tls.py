"""Whom the transport trusts, and where TLS is spoken."""

import asyncio
import ssl
from pathlib import Path

import pytest

from aios_conformance.conformance.observing import transport
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import OptionError, RunOptions

PAIR = Path(__file__).with_name("localhost.pem")
"""The key and the certificate of a server that lives as long as a test."""


def test_a_ca_bundle_that_is_none_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")

    async def story() -> None:
        async with Transport(RunOptions("http://h", ca_bundle=bundle), "http://h"):
            pytest.fail("it was taken")

    with pytest.raises(OptionError, match="--ca-bundle"):
        asyncio.run(story())


def test_a_ca_bundle_is_trusted_and_nothing_else() -> None:
    context = transport.tls(RunOptions("https://h", ca_bundle=PAIR))
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode == ssl.CERT_REQUIRED
    (trusted,) = context.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "localhost"),),)


def test_certificates_are_verified_unless_told_otherwise() -> None:
    assert transport.tls(RunOptions("https://h")) is True
    assert transport.tls(RunOptions("https://h", insecure=True)) is False


@pytest.mark.parametrize("is_tls", [True, False])
def test_a_port_that_speaks_tls_is_told_from_one_that_does_not(*, is_tls: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PAIR)

    async def story() -> bool:
        server = await asyncio.start_server(
            lambda _, writer: writer.close(),
            "127.0.0.1",
            0,
            ssl=context if is_tls else None,
        )
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with server, Transport(RunOptions(url), url) as wire:
            return await wire.speaks_tls()

    assert asyncio.run(story()) is is_tls


@pytest.mark.parametrize("host", ["127.0.0.1:1", "a" * 64, "\u202e.invalid", "a..b"])
def test_where_nobody_can_be_no_port_speaks_tls(host: str) -> None:
    async def story() -> bool:
        async with Transport(RunOptions(f"http://{host}"), f"http://{host}") as wire:
            return await wire.speaks_tls()

    assert asyncio.run(story()) is False
