"""How an unknown charger becomes a known one, and back."""

from typing import Any

import pytest

from custom_components.balanz.csms import server
from custom_components.balanz.csms.events import (
    BootInfo,
    StationDisconnected,
    StationPending,
    StationReady,
    StationRefused,
)

from .client import check_result, status_of, wait_until
from .conftest import Bench, Dial


async def test_an_unknown_charger_waits_while_pairing_is_open(central: Bench, dial: Dial) -> None:
    central.pairing_open = True
    charger = await dial("NEW")

    answer = await charger.boot()

    await check_result("BootNotification", answer)
    assert (answer["status"], answer["interval"]) == ("Pending", 10)
    assert await charger.call("Heartbeat", {}) == "SecurityError"
    boot = BootInfo(vendor="Simple", model="One", firmware="1.2")
    assert central.events == [StationPending(identity="NEW", boot=boot, address="127.0.0.1")]
    assert "NEW" not in central.stations


async def test_a_pending_charger_is_news_again_only_if_it_changes(
    central: Bench, dial: Dial
) -> None:
    central.pairing_open = True
    charger = await dial("NEW")

    await charger.boot()
    await charger.boot()
    await charger.boot(firmwareVersion="2")

    assert [event.boot.firmware for event in central.seen(StationPending)] == ["1.2", "2"]


async def test_a_pending_charger_that_thinks_it_is_known_is_asked_to_introduce_itself(
    central: Bench, dial: Dial
) -> None:
    central.pairing_open = True
    charger = await dial("NEW")

    await charger.call("Heartbeat", {})

    await wait_until(lambda: charger.calls)
    assert charger.calls == [("TriggerMessage", {"requestedMessage": "BootNotification"})]


async def test_a_confirmed_charger_is_accepted_on_the_same_socket(
    central: Bench, dial: Dial
) -> None:
    central.pairing_open = True
    charger = await dial("NEW")
    await charger.boot()

    central.set_known(["CP1", "NEW"])

    await wait_until(lambda: charger.received("TriggerMessage"))
    assert await charger.call("Heartbeat", {}) == "SecurityError"
    assert not central.stations["NEW"].ready
    assert (await charger.boot())["status"] == "Accepted"
    await wait_until(lambda: central.stations["NEW"].ready)
    assert await charger.alive()
    assert central.seen(StationReady) == [StationReady(identity="NEW", booted=True)]


async def test_pending_chargers_are_dropped_when_pairing_closes(central: Bench, dial: Dial) -> None:
    central.pairing_open = True
    pending, known = await dial("NEW"), await dial("CP1")
    await pending.boot()

    central.pairing_open = False

    assert await pending.closed() == 1000
    assert await known.alive()
    assert await status_of(central.port, "/NEW") == 401
    assert not central.pairing_open


async def test_only_so_many_chargers_may_wait(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_PENDING", 1)
    central.pairing_open = True
    first = await dial("NEW1")
    await first.boot()

    assert await status_of(central.port, "/NEW2") == 401


async def test_a_pending_charger_may_dial_in_anew(central: Bench, dial: Dial) -> None:
    central.pairing_open = True
    old = await dial("NEW")
    await old.boot()
    new = await dial("NEW")

    assert await old.closed() == 1000
    assert (await new.boot())["status"] == "Pending"


async def test_a_removed_charger_is_closed_and_then_refused(central: Bench, dial: Dial) -> None:
    central.set_known(["CP1", "CP2"])
    removed, kept = await dial("CP1"), await dial("CP2")
    await removed.boot()

    central.set_known(["CP2"])

    assert await removed.closed() == 1000
    assert await status_of(central.port, "/CP1") == 401
    assert await kept.alive()
    assert central.seen(StationDisconnected) == [StationDisconnected(identity="CP1")]
    assert len(central.seen(StationRefused)) == 1


async def test_a_charger_that_was_refused_is_forgotten_as_such_once_it_is_known(
    central: Bench,
) -> None:
    await status_of(central.port, "/NEW")

    central.set_known(["CP1", "NEW"])

    assert not central.refused


async def test_pairing_that_closes_during_a_handshake_lets_nobody_in(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    central.pairing_open = True
    choose = server._select_subprotocol

    def close_then_choose(*arguments: Any) -> Any:
        central.pairing_open = False
        return choose(*arguments)

    monkeypatch.setattr(server, "_select_subprotocol", close_then_choose)
    await central.stop()
    central.pairing_open = True
    await central.start()
    charger = await dial("NEW")

    assert await charger.closed() == 1000
    assert not central.events
