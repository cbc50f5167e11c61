"""What a charger sends again, too fast or incomplete; all else is in the corpus."""

import json
from datetime import UTC, datetime

import pytest

from custom_components.balanz.csms.events import MeterValuesReceived

from .client import RawCharger, wait_until
from .conftest import Bench, Dial


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("StatusNotification", {}),
        ("StartTransaction", {"connectorId": 1}),
        ("StopTransaction", {}),
    ],
)
async def test_a_call_without_what_it_is_about_is_refused(
    charger: RawCharger, action: str, payload: dict[str, int]
) -> None:
    assert await charger.call(action, payload) == "ProtocolError"


async def test_a_message_that_breaks_the_schema_is_served_and_counted(
    central: Bench, charger: RawCharger
) -> None:
    reply = await charger.call("StatusNotification", {"connectorId": "1", "status": "Available"})

    assert reply == {}
    assert central.stations["CP1"].violations.counted() == {
        "StatusNotification: payload breaks required": 1
    }


async def test_what_a_meter_cannot_have_measured_is_counted_and_the_rest_served(
    central: Bench, charger: RawCharger
) -> None:
    sampled = [
        {"value": "1e6", "measurand": "Current.Import", "unit": "A", "phase": "L1"},
        {"value": "NaN", "measurand": "Current.Import", "unit": "A", "phase": "L2"},
        {"value": "230", "measurand": "Voltage", "unit": "V"},
    ]

    await charger.call(
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [{"timestamp": datetime.now(UTC).isoformat(), "sampledValue": sampled}],
        },
    )

    (event,) = central.seen(MeterValuesReceived)
    assert event.values.voltages_v == (230.0, 230.0, 230.0)
    assert event.values.currents_a is None
    assert central.stations["CP1"].violations.counted() == {
        "MeterValues: a value of current.import that cannot be": 2
    }


async def test_a_burst_of_calls_is_answered_in_order(charger: RawCharger) -> None:
    start = len(charger.frames)

    for number in range(1000):
        await charger.send(json.dumps([2, f"burst-{number}", "Heartbeat", {}]))
    await charger.result("burst-999")

    replies = [frame[1] for frame in charger.frames[start:] if frame[0] == 3]
    assert replies == [f"burst-{number}" for number in range(1000)]


async def test_a_call_sent_again_gets_the_same_answer_and_has_one_effect(
    central: Bench, charger: RawCharger
) -> None:
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}

    first = await charger.call("StartTransaction", start, "same-id")
    second = await charger.call("StartTransaction", start, "same-id")

    assert second == first
    assert len(central.transactions.open_transactions) == 1


async def test_too_many_unreadable_frames_close_the_connection(charger: RawCharger) -> None:
    for _ in range(40):
        await charger.send("hello")

    assert await charger.closed() == 1008


async def test_another_charger_does_not_notice(central: Bench, dial: Dial) -> None:
    central.set_known(["CP1", "CP2"])
    bad, good = await dial("CP1"), await dial("CP2")

    for _ in range(40):
        await bad.send("hello")
    await bad.closed()

    assert await good.alive()
    await wait_until(lambda: not central.stations["CP1"].connected)
    assert central.stations["CP2"].connected
