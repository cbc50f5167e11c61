"""Who may come in, and as whom."""

import asyncio
import logging
import socket
from contextlib import closing

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from custom_components.balanz.csms import gate, server
from custom_components.balanz.csms.events import (
    BootInfo,
    StationConnected,
    StationDescribed,
    StationDisconnected,
    StationReady,
    StationRefused,
)
from custom_components.balanz.csms.security_events import AddressPinned
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .client import BOOT, DEADLINE_S, check_result, status_of, wait_until
from .conftest import Bench, Dial


def own_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what the server itself has logged since it started."""
    return [record for record in caplog.records if record.name.startswith(server.__name__)]


async def raw_exchange(port: int, request: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


async def test_a_known_charger_is_accepted_when_it_boots(central: Bench, dial: Dial) -> None:
    charger = await dial("CP1")

    answer = await charger.boot(chargePointSerialNumber="4711")

    await check_result("BootNotification", answer)
    assert answer["status"] == "Accepted"
    boot = BootInfo(vendor="Simple", model="One", firmware="1.2", serial="4711")
    await wait_until(lambda: central.stations["CP1"].ready)
    assert central.events[:4] == [
        AddressPinned(identity="CP1", address="127.0.0.1"),
        StationConnected(identity="CP1"),
        StationDescribed(identity="CP1", boot=boot),
        StationReady(identity="CP1", booted=True),
    ]
    assert central.stations["CP1"].boot == boot


async def test_a_known_charger_that_reconnects_need_not_boot(central: Bench, dial: Dial) -> None:
    charger = await dial("CP1")

    assert await charger.alive()

    await wait_until(lambda: central.stations["CP1"].ready)
    assert central.seen(StationReady) == [StationReady(identity="CP1", booted=False)]


async def test_an_unknown_charger_is_refused_and_named_once(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert await status_of(central.port, "/CP9") == 401

    assert central.seen(StationRefused) == [StationRefused(identity="CP9", address="127.0.0.1")]
    assert central.refused["CP9"].count == 3
    assert [record.levelno for record in own_records(caplog)] == [logging.WARNING]


async def test_a_flood_of_unknown_chargers_is_bounded(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        await status_of(central.port, f"/X{number}")

    assert len(central.refused) == 50
    assert "X59" in central.refused
    assert len(central.seen(StationRefused)) == 50
    assert len(own_records(caplog)) == 50


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="A15-root"),
        pytest.param("/CP%2F..%2Fetc", id="A17-escaped-slashes"),
        pytest.param(f"/{'C' * 49}", id="A18-too-long"),
        pytest.param("/CP%00", id="A19-nul"),
        pytest.param("/CP%0d%0aX", id="A19-newline"),
        pytest.param("/CP%E2%80%AE", id="A19-direction-override"),
        pytest.param("/CP%3A1", id="A19-colon"),
        pytest.param("/CP%252e", id="A20-escaped-twice"),
        pytest.param("/CP%ff", id="no-utf-8"),
        pytest.param("/..", id="parent-folder"),
    ],
)
async def test_an_unsafe_identity_is_no_identity(central: Bench, path: str) -> None:
    central.pairing_open = True

    assert await status_of(central.port, path) == 404
    assert not central.refused


@pytest.mark.parametrize("path", ["///CP1", "/ocpp//CP1/", "/a/b/CP%31?token=x"])
async def test_an_odd_path_still_leads_to_its_charger(central: Bench, path: str) -> None:
    async with connect(
        f"ws://127.0.0.1:{central.port}{path}", subprotocols=[Subprotocol("ocpp1.6")]
    ):
        await wait_until(lambda: central.stations["CP1"].connected)


async def test_a_charger_that_names_no_subprotocol_is_served(dial: Dial) -> None:
    charger = await dial("CP1", subprotocol=None)

    assert charger.connection.subprotocol is None
    assert await charger.alive()


async def test_tc_088_ocpp_1_6_is_chosen_among_others(central: Bench) -> None:
    offered = [Subprotocol("ocpp2.0.1"), Subprotocol("ocpp1.6")]

    async with connect(f"ws://127.0.0.1:{central.port}/CP1", subprotocols=offered) as connection:
        assert connection.subprotocol == "ocpp1.6"


@pytest.mark.parametrize("name", ["ocpp1.5", "OCPP1.6", "foo"])
async def test_tc_088_a_charger_that_speaks_something_else_is_refused(
    central: Bench, name: str
) -> None:
    assert await status_of(central.port, "/CP1", subprotocols=[Subprotocol(name)]) == 400


async def test_an_empty_subprotocol_header_counts_as_none(central: Bench) -> None:
    request = (
        b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: \r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(request)

    assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    writer.close()
    await writer.wait_closed()


async def test_a_browser_is_no_refused_charger(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raw_exchange(central.port, b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 426")
    assert not central.refused
    assert "Traceback" not in caplog.text


async def test_garbage_at_the_port_is_no_news(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await raw_exchange(central.port, b"\x16\x03\x01\x02\x00garbage\r\n\r\n")

    assert "Traceback" not in caplog.text
    assert not own_records(caplog)


async def test_a_refused_request_with_garbage_behind_it_is_no_news(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    request = b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n" + b"\xff" * 20

    assert await raw_exchange(central.port, request) == b""

    assert "Traceback" not in caplog.text
    assert not own_records(caplog)


async def test_a_new_connection_replaces_the_old_one_without_a_disconnect(
    central: Bench, dial: Dial
) -> None:
    old = await dial("CP1")
    await old.boot()
    new = await dial("CP1")

    assert await old.closed() == 1000
    assert await new.alive()
    assert central.stations["CP1"].connected
    assert central.seen(StationDisconnected) == []
    assert len(central.seen(StationConnected)) == 2


async def test_a_charger_that_leaves_is_disconnected(central: Bench, dial: Dial) -> None:
    charger = await dial("CP1")
    await charger.boot()

    await charger.close()

    await wait_until(lambda: not central.stations["CP1"].connected)
    assert central.seen(StationDisconnected) == [StationDisconnected(identity="CP1")]
    assert not central.stations["CP1"].ready


async def test_too_many_sockets_are_turned_away(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dial("CP1")
    monkeypatch.setattr(gate, "SPARE_SOCKETS", -1)

    assert await raw_exchange(central.port, b"GET") == b""


async def test_too_many_half_open_handshakes_are_turned_away(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SPARE_SOCKETS", 0)
    _, writer = await asyncio.open_connection("127.0.0.1", central.port)

    assert await raw_exchange(central.port, b"GET") == b""
    writer.close()
    await writer.wait_closed()


async def test_one_address_leaves_room_for_the_others(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "SPARE_PER_ADDRESS", 0)
    _, writer = await asyncio.open_connection("127.0.0.1", central.port)
    _, other = await asyncio.open_connection("127.0.0.1", central.port, local_addr=("127.0.0.2", 0))

    assert await raw_exchange(central.port, b"GET") == b""
    other.write(b"GET /favicon.ico HTTP/1.1\r\n\r\n")
    await other.drain()
    for open_one in (writer, other):
        open_one.close()
        await open_one.wait_closed()


async def test_the_sockets_of_one_address_can_be_limited(
    socket_enabled: None, journal: Journal
) -> None:
    central = Bench(TransactionBook(journal))
    central.set_known(["CP1", "CP2"])
    await central.start()

    async with connect(f"ws://127.0.0.1:{central.port}/CP1") as before:
        central.limit_sockets(per_address=1)
        assert await raw_exchange(central.port, b"GET") == b""
        await before.ping()

        central.limit_sockets(per_address=None)
        async with connect(f"ws://127.0.0.1:{central.port}/CP2"):
            pass

    await central.stop()


async def test_a_charger_that_was_shown_out_twice_has_to_stay_away(
    central: Bench, dial: Dial
) -> None:
    for _ in range(2):
        charger = await dial("CP1")
        for _ in range(3):
            await charger.send(b"[]")
        assert await charger.closed() == 1003

    assert await status_of(central.port, "/CP1") == 429


async def test_two_chargers_with_one_identity_are_slowed_down_and_named(
    central: Bench, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(12):
        charger = await dial("CP1")

    assert await charger.alive()
    assert [record.getMessage() for record in own_records(caplog) if record.levelno > 20] == [
        "Charger CP1 connects again and again; do two use its identity?"
    ]


async def test_a_charger_that_has_vanished_is_dropped(
    socket_enabled: None, journal: Journal
) -> None:
    central = Bench(TransactionBook(journal), silence_limit_s=0.2)
    central.set_known(["CP1"])
    await central.start()
    connection = await connect(f"ws://127.0.0.1:{central.port}/CP1")

    await wait_until(lambda: central.seen(StationDisconnected))

    await connection.close()
    await central.stop()


async def test_stopping_tells_the_chargers_and_leaves_nothing_behind(
    socket_enabled: None, journal: Journal
) -> None:
    central = Bench(TransactionBook(journal))
    central.set_known(["CP1"])
    await central.start()
    port = central.port
    connection = await connect(f"ws://127.0.0.1:{port}/CP1")
    _, half_open = await asyncio.open_connection("127.0.0.1", port)

    await central.stop()

    await connection.wait_closed()
    assert connection.close_code == 1001
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", port)
    half_open.close()


async def test_a_port_in_use_is_an_error(socket_enabled: None, journal: Journal) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = ServerSettings(host="127.0.0.1", port=port)
        central = CentralSystem(settings, lambda _event: None, TransactionBook(journal))

        with pytest.raises(OSError, match="in use"):
            await central.start()

    assert central.port == port
    await central.stop()


async def test_a_listener_that_fails_costs_no_charger_its_answer(
    socket_enabled: None, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event: object) -> None:
        raise RuntimeError("a fault")

    settings = ServerSettings(host="127.0.0.1", port=0)
    central = CentralSystem(settings, fail, TransactionBook(journal))
    central.set_known(["CP1"])
    await central.start()

    async with connect(f"ws://127.0.0.1:{central.port}/CP1") as connection:
        await connection.send(f'[2,"1","BootNotification",{BOOT}]'.replace("'", '"'))
        assert "Accepted" in str(await connection.recv())

    await central.stop()
    assert "An event was not taken" in caplog.text
