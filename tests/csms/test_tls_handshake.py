"""Handshakes of TLS that are slow, half or odd: counted, ended, and nobody else's trouble."""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from custom_components.balanz.csms import gate
from custom_components.balanz.csms.admission import AdmissionRule
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.tls import TlsSettings
from custom_components.balanz.csms.tls_handshake import MAX_TOLD, TOLD_AGAIN_S, Failures
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .certificates import Made
from .client import DEADLINE_S, RawCharger, wait_until
from .conftest import Bench
from .test_admission import raw_exchange
from .test_security_profiles import HASH, PASSWORD, basic
from .test_tls import ROOT, client_context

CREDENTIALS = basic(PASSWORD)["additional_headers"]["Authorization"].encode()
REQUEST = (
    b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Authorization: " + CREDENTIALS + b"\r\n\r\n"
)
OLD_HELLO = (
    bytes.fromhex("16030100310100002d0301") + bytes(32) + bytes.fromhex("000006002f003500ff0100")
)
"""A TLS 1.0 client that knows two cipher suites of its time."""


@pytest.fixture
async def central(socket_enabled: None, journal: Journal, tmp_path: Path) -> AsyncGenerator[Bench]:
    """A central system that asks CP1 for its password over encryption."""
    files = Made.of("balanz", ROOT).files(tmp_path, "ec")
    tls = TlsSettings(port=0, certificates=(files,))
    central = Bench(TransactionBook(journal), call_timeout_s=0.3, tls=tls)
    rule = AdmissionRule(profile=SecurityProfile.TLS_PASSWORD, passwords=(HASH,))
    central.set_known(["CP1"], {"CP1": rule})
    await central.start()
    yield central
    await central.stop()


async def come_in(central: Bench) -> RawCharger:
    assert central.tls_port is not None
    return await RawCharger.dial(central.tls_port, "CP1", ssl=client_context(), **basic(PASSWORD))


async def half_open(central: Bench, sent: bytes = b"", **options: Any) -> asyncio.StreamWriter:
    """Connect, and shake hands no further than this."""
    _, writer = await asyncio.open_connection("127.0.0.1", central.tls_port, **options)
    writer.write(sent)
    await wait_until(lambda: central._gate.sockets)
    return writer


async def is_turned_away(central: Bench) -> bool:
    """Return whether a good client cannot even shake hands."""
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", central.tls_port, ssl=client_context()
        )
    except OSError:
        return True
    writer.transport.abort()
    return False


def hello() -> bytes:
    """Return how a good client begins."""
    outgoing = ssl.MemoryBIO()
    client = client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", hello()], ids=["none", "crumb", "hello"])
async def test_half_open_handshakes_count_against_all_there_may_be(
    central: Bench, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(gate, "SPARE_SOCKETS", 0)
    writer = await half_open(central, sent)

    assert await is_turned_away(central)
    assert await raw_exchange(central.port, b"GET") == b""
    writer.close()


async def test_half_open_handshakes_of_one_address_leave_room_for_the_others(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SPARE_PER_ADDRESS", 0)
    writer = await half_open(central, local_addr=("127.0.0.2", 0))
    _, second = await asyncio.open_connection(
        "127.0.0.1", central.tls_port, local_addr=("127.0.0.2", 0)
    )
    charger = await come_in(central)

    assert len(central._gate.sockets) == 2
    assert await charger.alive()
    for one in (writer, second):
        one.close()
    await charger.close()


async def test_a_handshake_that_takes_too_long_makes_room_again(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SPARE_SOCKETS", 0)
    monkeypatch.setattr(gate, "HANDSHAKE_TIMEOUT_S", 0.1)
    writer = await half_open(central, hello())

    await wait_until(lambda: not central._gate.sockets)

    charger = await come_in(central)
    assert await charger.alive()
    writer.close()
    await charger.close()


@pytest.mark.parametrize("sent", [b"", hello()], ids=["nothing", "hello"])
async def test_who_hangs_up_in_the_middle_is_forgotten_without_a_word(
    central: Bench, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.set_level(logging.INFO)
    writer = await half_open(central, sent)

    writer.transport.abort()

    await wait_until(lambda: not central._gate.sockets)
    assert central.events == []
    assert [record for record in caplog.records if "balanz" in record.name] == []


async def test_a_flood_of_half_open_handshakes_leaves_the_connected_alone(central: Bench) -> None:
    charger = await come_in(central)
    writers = []
    for _ in range(60):
        with suppress(OSError):
            writers.append(await half_open(central, hello()))

    assert await charger.alive()
    assert len(central._gate.sockets) <= 1 + gate.SPARE_PER_ADDRESS + 1

    for writer in writers:
        writer.transport.abort()
    await wait_until(lambda: len(central._gate.sockets) == 1)
    again = await come_in(central)
    assert await again.alive()
    await charger.close()
    await again.close()


class Client:
    """A client whose every byte is sent by hand."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
    ) -> None:
        self.reader, self.writer = reader, writer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")

    @classmethod
    async def half_way(cls, central: Bench, context: ssl.SSLContext | None = None) -> Client:
        """Shake hands, but keep the last message of it back."""
        streams = await asyncio.open_connection("127.0.0.1", central.tls_port)
        client = cls(*streams, context or client_context())
        while True:
            try:
                client.tls.do_handshake()
            except ssl.SSLWantReadError:
                client.writer.write(client.outgoing.read())
                client.incoming.write(await client.reader.read(65536))
            except ssl.SSLError:
                client.writer.write(client.outgoing.read())
                client.writer.close()
                await client.writer.wait_closed()
                raise
            else:
                return client

    async def answer(self) -> bytes:
        """Return what comes back."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                with suppress(ssl.SSLWantReadError):
                    answer: bytes = self.tls.read()
                    return answer
                self.incoming.write(await self.reader.read(65536))


async def test_a_request_right_behind_the_handshake_is_not_lost(central: Bench) -> None:
    client = await Client.half_way(central)
    client.tls.write(REQUEST)

    client.writer.write(client.outgoing.read())

    assert (await client.answer()).startswith(b"HTTP/1.1 101 ")
    client.writer.transport.abort()


async def test_who_hangs_up_right_behind_the_handshake_is_forgotten(central: Bench) -> None:
    client = await Client.half_way(central)
    with suppress(ssl.SSLWantReadError):
        client.tls.unwrap()

    client.writer.write(client.outgoing.read())
    client.writer.close()

    await wait_until(lambda: not central._gate.sockets)
    assert central.events == []


async def test_a29_a_client_of_tls_1_0_is_hung_up_on_since_its_version_is_too_old(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    assert central.tls_port is not None

    assert await raw_exchange(central.tls_port, OLD_HELLO) == b""

    assert "127.0.0.1 could not connect encrypted: unsupported protocol" in caplog.text


async def test_a31_plain_text_at_the_tls_port_is_told_once(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    assert central.tls_port is not None
    for _ in range(3):
        assert not (await raw_exchange(central.tls_port, REQUEST)).startswith(b"HTTP")

    assert [record.getMessage() for record in caplog.records if "balanz" in record.name] == [
        "127.0.0.1 could not connect encrypted: http request"
    ]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_charger_that_does_not_trust_the_certificate_is_told_of(
    central: Bench, caplog: pytest.LogCaptureFixture, version: ssl.TLSVersion
) -> None:
    context = client_context(Made.root("a stranger"))
    context.minimum_version = context.maximum_version = version

    with pytest.raises(ssl.SSLCertVerificationError):
        await Client.half_way(central, context)

    await wait_until(lambda: "127.0.0.1 could not connect encrypted: " in caplog.text)
    assert "unknown ca" in caplog.text


def test_the_log_is_not_filled_by_handshakes_that_fail(caplog: pytest.LogCaptureFixture) -> None:
    failures, error = Failures(), ssl.SSLError(1, "whatever")
    failures.note("10.0.0.1", ConnectionResetError(), 0.0)
    for number in range(MAX_TOLD + 10):
        failures.note(f"10.0.0.{number}", error, 1.0)
        failures.note(f"10.0.0.{number}", error, 2.0)
    assert len(caplog.records) == MAX_TOLD

    failures.note("10.0.0.1", error, 2.0 + TOLD_AGAIN_S)
    assert len(caplog.records) == MAX_TOLD + 1


async def test_nothing_is_negotiated_anew_on_a_connection(central: Bench) -> None:
    charger = await come_in(central)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    reader, writer = await asyncio.open_connection("127.0.0.1", central.tls_port)

    async def shake_hands() -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    client.do_handshake()
                except SSL.WantReadError:
                    with suppress(SSL.WantReadError):
                        writer.write(client.bio_read(65536))
                    client.bio_write(await reader.read(65536))
                else:
                    with suppress(SSL.WantReadError):
                        writer.write(client.bio_read(65536))
                    return

    await shake_hands()
    client.renegotiate()

    with pytest.raises(SSL.Error, match="no renegotiation"):
        await shake_hands()
    assert await charger.alive()
    writer.transport.abort()
    await charger.close()
