"""What becomes of a limit and of other commands on the wire."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.csms.command_values import MessageTrigger
from custom_components.balanz.csms.events import LineFreed, StationDisconnected, StationReady
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.rpc_errors import InvalidCall
from custom_components.balanz.csms.station import (
    CommandRejected,
    LimitAnswer,
    Station,
    StationUnreachable,
)

from .client import Answer, RawCharger, wait_until
from .conftest import Bench, Dial

LIMIT = Limit(limit_a=10.0, fallback_a=6.0)


@pytest.fixture
async def station(central: Bench, charger: RawCharger) -> Station:
    """CP1, ready, after its interview."""
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    charger.calls.clear()
    central.events.clear()
    return station


async def test_an_accepted_limit_is_on_the_wire_as_a_default_profile(
    station: Station, charger: RawCharger
) -> None:
    answer = await station.set_limit(1, LIMIT, urgent=False)

    assert answer is LimitAnswer.ACCEPTED
    (payload,) = charger.received("SetChargingProfile")
    profile = payload["csChargingProfiles"]
    assert payload["connectorId"] == 1
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 10.0}
    ]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        pytest.param({"status": "Rejected"}, LimitAnswer.REJECTED, id="rejected"),
        pytest.param({"status": "NotSupported"}, LimitAnswer.REJECTED, id="not-supported"),
        pytest.param('[4,"%s","InternalError","",{}]', LimitAnswer.REJECTED, id="call-error"),
        pytest.param('[4,"%s"]', LimitAnswer.REJECTED, id="C48-short-error"),
        pytest.param('[4,"%s",7,8,9]', LimitAnswer.REJECTED, id="C48-odd-error"),
        pytest.param({"status": "OK"}, LimitAnswer.TIMED_OUT, id="D35-unknown-status"),
        pytest.param({}, LimitAnswer.TIMED_OUT, id="D35-no-status"),
        pytest.param('[3,"%s"]', LimitAnswer.TIMED_OUT, id="C46-short-result"),
        pytest.param('[3,"%s",{},{}]', LimitAnswer.TIMED_OUT, id="C46-long-result"),
        pytest.param('[3,"%s",[]]', LimitAnswer.TIMED_OUT, id="C46-list"),
        pytest.param('[4,"-1","RpcFrameworkError","",{}]', LimitAnswer.TIMED_OUT, id="C49"),
        pytest.param(None, LimitAnswer.TIMED_OUT, id="silence"),
    ],
)
async def test_only_a_clear_answer_counts(
    station: Station, charger: RawCharger, reply: Answer, outcome: LimitAnswer
) -> None:
    charger.answers["SetChargingProfile"] = (
        reply if not isinstance(reply, str) or "%s" in reply else f"{reply}%.0s"
    )

    assert await station.set_limit(1, LIMIT, urgent=False) is outcome
    assert await charger.alive()


async def test_a_late_answer_is_counted_and_does_no_harm(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["SetChargingProfile"] = None
    assert await station.set_limit(1, LIMIT, urgent=False) is LimitAnswer.TIMED_OUT
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}

    await charger.send(f'[3,"{charger.held[0]}",{{"status":"Accepted"}}]')

    await wait_until(lambda: station.late_answers == 1)
    assert await station.set_limit(1, LIMIT, urgent=False) is LimitAnswer.ACCEPTED


async def test_an_urgent_limit_overtakes_what_waits(station: Station, charger: RawCharger) -> None:
    charger.answers["Reset"] = None
    async with asyncio.TaskGroup() as group:
        blocker = group.create_task(rejected(station.reset()))
        await wait_until(lambda: charger.held)
        group.create_task(station.set_limit(1, LIMIT, urgent=False))
        group.create_task(station.trigger(MessageTrigger.HEARTBEAT))
        await asyncio.sleep(0)
        cut = group.create_task(
            station.set_limit(1, Limit(limit_a=0.0, fallback_a=0.0), urgent=True)
        )
        await asyncio.sleep(0)
        await charger.send(f'[3,"{charger.held[0]}",{{"status":"Rejected"}}]')

    assert await blocker
    assert await cut is LimitAnswer.ACCEPTED
    actions = [action for action, _ in charger.calls]
    assert actions == ["Reset", "SetChargingProfile", "SetChargingProfile", "TriggerMessage"]
    assert limits(charger) == [0.0, 10.0]


async def rejected(command: Any) -> bool:
    """Return whether the charger refuses a command."""
    try:
        await command
    except CommandRejected:
        return True
    return False


def limits(charger: RawCharger) -> list[float]:
    """Return the limits that a charger was sent."""
    return [
        payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
        for payload in charger.received("SetChargingProfile")
    ]


async def test_one_call_at_a_time(station: Station, charger: RawCharger) -> None:
    charger.answers["SetChargingProfile"] = None
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(station.set_limit(1, LIMIT, urgent=False))
        await wait_until(lambda: charger.held)
        assert await charger.alive()

        assert len(charger.held) == 1
        assert station.busy


async def test_a_charger_is_served_while_it_owes_an_answer(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["SetChargingProfile"] = None
    pending = asyncio.create_task(station.set_limit(1, LIMIT, urgent=False))
    await wait_until(lambda: charger.held)

    assert await charger.alive()

    assert await pending is LimitAnswer.TIMED_OUT


async def test_what_waits_too_long_for_the_line_is_not_sent(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["SetChargingProfile"] = None
    answers = await asyncio.gather(*(station.set_limit(1, LIMIT, urgent=False) for _ in range(40)))

    assert LimitAnswer.NOT_SENT in answers
    assert answers.count(LimitAnswer.TIMED_OUT) == len(charger.received("SetChargingProfile"))


async def test_a_line_that_is_free_again_is_told(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    await station.set_limit(1, LIMIT, urgent=False)

    assert central.seen(LineFreed) == [LineFreed(identity="CP1")]
    assert not station.busy


async def test_a_limit_in_flight_when_the_link_is_lost_may_be_in_force(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    charger.answers["SetChargingProfile"] = None
    first = asyncio.create_task(station.set_limit(1, LIMIT, urgent=False))
    second = asyncio.create_task(station.set_limit(1, LIMIT, urgent=False))
    await wait_until(lambda: charger.held)

    await charger.close()

    assert await first is LimitAnswer.TIMED_OUT
    assert await second is LimitAnswer.NOT_SENT
    assert central.seen(StationDisconnected)
    assert not central.seen(LineFreed)


async def test_a_limit_for_a_charger_that_is_away_is_not_sent(central: Bench) -> None:
    station = central.stations["CP1"]

    assert await station.set_limit(1, LIMIT, urgent=True) is LimitAnswer.NOT_SENT
    assert not station.busy


async def test_a_limit_for_a_charger_that_has_not_spoken_yet_is_not_sent(
    central: Bench, dial: Dial
) -> None:
    charger = await dial("CP1")
    await wait_until(lambda: central.stations["CP1"].connected)

    answer = await central.stations["CP1"].set_limit(1, LIMIT, urgent=True)

    assert answer is LimitAnswer.NOT_SENT
    assert not charger.calls


async def test_commands_that_the_charger_takes(station: Station, charger: RawCharger) -> None:
    for action in ("RemoteStartTransaction", "RemoteStopTransaction", "Reset"):
        charger.answers[action] = {"status": "Accepted"}
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
    transaction_id = (await charger.call("StartTransaction", start))["transactionId"]

    await station.remote_start(1, "TAG")
    await station.remote_stop(1)
    await station.reset()
    await station.reset(hard=True)
    await station.trigger(MessageTrigger.METER_VALUES, 1)

    assert charger.calls == [
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": "TAG"}),
        ("RemoteStopTransaction", {"transactionId": transaction_id}),
        ("Reset", {"type": "Soft"}),
        ("Reset", {"type": "Hard"}),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
    ]


@pytest.mark.parametrize("status", ["Accepted", "Scheduled"])
async def test_a_connector_goes_out_of_service_now_or_after_its_transaction(
    station: Station, charger: RawCharger, status: str
) -> None:
    charger.answers["ChangeAvailability"] = {"status": status}

    await station.change_availability(1, operative=False)
    await station.change_availability(1, operative=True)

    assert charger.calls == [
        ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
        ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
    ]


async def test_a_connector_that_stays_in_service_says_so(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["ChangeAvailability"] = {"status": "Rejected"}

    with pytest.raises(CommandRejected, match="Rejected"):
        await station.change_availability(1, operative=False)


async def test_commands_that_the_charger_refuses(station: Station, charger: RawCharger) -> None:
    charger.answers["RemoteStartTransaction"] = {"status": "Rejected"}

    with pytest.raises(CommandRejected, match="Rejected"):
        await station.remote_start(1, "TAG")
    with pytest.raises(CommandRejected, match="NotImplemented"):
        await station.reset()
    with pytest.raises(CommandRejected, match="no transaction"):
        await station.remote_stop(1)


async def test_commands_that_do_not_reach_the_charger(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    charger.answers["Reset"] = None

    with pytest.raises(StationUnreachable):
        await station.reset()
    await charger.close()
    await wait_until(lambda: not station.connected)
    with pytest.raises(StationUnreachable):
        await station.reset()


async def test_what_breaks_the_schema_never_leaves(station: Station, charger: RawCharger) -> None:
    with pytest.raises(StationUnreachable) as failure:
        await station.remote_start(1, "a tag that is too long for OCPP")

    assert isinstance(failure.value.__cause__, InvalidCall)
    assert not charger.calls


async def test_limits_are_to_be_set_again_once_a_clock_turns_out_to_be_days_behind(
    central: Bench, charger: RawCharger
) -> None:
    def accepted() -> int:
        return len(central.seen(StationReady))

    before = accepted()
    await central.stations["CP1"].set_limit(1, LIMIT, urgent=True)
    for days in (0, 20, 21, 39):
        stamp = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        await charger.call(
            "StatusNotification",
            {"connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": stamp},
        )

    assert accepted() == before + 1
    await central.stations["CP1"].set_limit(1, LIMIT, urgent=True)
    sent = charger.received("SetChargingProfile")[-1]["csChargingProfiles"]["chargingSchedule"]
    start = datetime.fromisoformat(sent["startSchedule"])
    assert start < datetime.now(UTC) - timedelta(days=39)
