"""Limits in the form that a charger takes and keeps."""

from typing import Any

import pytest

from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.events import MeterValuesReceived, StationLearnt, StationReady
from custom_components.balanz.csms.firmware_memory import FirmwareMemory
from custom_components.balanz.csms.meter_quirks import MeterQuirks
from custom_components.balanz.csms.profile_forms import ProfileForm, Purpose
from custom_components.balanz.csms.profiles import TX_PROFILE_IDS, Limit
from custom_components.balanz.csms.quirks import Questions, Quirks
from custom_components.balanz.csms.station import LimitAnswer, Station

from .client import Answer, RawCharger, wait_until
from .conftest import Bench, Dial

START = {
    "connectorId": 1,
    "idTag": "TAG",
    "meterStart": 0,
    "timestamp": "2026-03-01T12:00:00Z",
}
FOR_TRANSACTIONS = Quirks(purpose=Purpose.TX)


def limit(limit_a: float) -> Limit:
    return Limit(limit_a=limit_a, fallback_a=6.0)


@pytest.fixture
async def station(central: Bench, charger: RawCharger) -> Station:
    """CP1, after its interview."""
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    charger.calls.clear()
    return station


def told(charger: RawCharger) -> list[tuple[str, str, float]]:
    """Return the purposes, kinds and limits that a charger was told."""
    return [
        (
            it["chargingProfilePurpose"],
            it["chargingProfileKind"],
            it["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"],
        )
        for it in profiles(charger)
    ]


def profiles(charger: RawCharger) -> list[dict[str, Any]]:
    return [payload["csChargingProfiles"] for payload in charger.received("SetChargingProfile")]


async def start_transaction(charger: RawCharger) -> int:
    answer = await charger.call("StartTransaction", START)
    transaction_id: int = answer["transactionId"]
    return transaction_id


async def test_a_transaction_has_its_own_profile_beside_the_default(
    station: Station, charger: RawCharger
) -> None:
    station.behave(FOR_TRANSACTIONS)
    await station.set_limit(1, limit(10.0), urgent=False)
    transaction_id = await start_transaction(charger)
    assert await station.set_limit(1, limit(8.0), urgent=True) is LimitAnswer.ACCEPTED

    before, default, own = profiles(charger)
    assert "transactionId" not in before
    assert default["chargingProfilePurpose"] == "TxDefaultProfile"
    assert own["chargingProfilePurpose"] == "TxProfile"
    assert own["transactionId"] == transaction_id
    assert own["chargingProfileId"] == default["chargingProfileId"] + TX_PROFILE_IDS
    assert own["chargingSchedule"] == default["chargingSchedule"]


async def test_a_transactions_own_profile_is_kept_up_to_date_in_whatever_form(
    station: Station, charger: RawCharger
) -> None:
    station.behave(FOR_TRANSACTIONS)
    await start_transaction(charger)
    await station.set_limit(1, limit(10.0), urgent=False)
    station.behave(Quirks(purpose=Purpose.TX_DEFAULT))
    await station.set_limit(1, limit(8.0), urgent=False)

    assert told(charger)[-2:] == [
        ("TxDefaultProfile", "Absolute", 8.0),
        ("TxProfile", "Absolute", 8.0),
    ]


async def test_a_transaction_that_the_charger_no_longer_knows_is_limited_by_the_default(
    station: Station, charger: RawCharger
) -> None:
    station.behave(FOR_TRANSACTIONS)
    await start_transaction(charger)
    charger.answers["SetChargingProfile"] = [
        {"status": "Accepted"},
        {"status": "Rejected"},
        {"status": "Accepted"},
    ]
    for limit_a in (10.0, 8.0):
        answer = await station.set_limit(1, limit(limit_a), urgent=False)
        assert answer is LimitAnswer.ACCEPTED
    assert [purpose for purpose, _, _ in told(charger)] == [
        "TxDefaultProfile",
        "TxProfile",
        "TxDefaultProfile",
    ]


async def test_a_limit_is_in_doubt_where_a_transaction_may_have_another_one(
    station: Station, charger: RawCharger
) -> None:
    station.behave(FOR_TRANSACTIONS)
    await start_transaction(charger)
    await station.set_limit(1, limit(10.0), urgent=False)
    charger.answers["SetChargingProfile"] = [
        {"status": "Accepted"},
        {"status": "Rejected"},
        {"status": "Accepted"},
    ]
    assert await station.set_limit(1, limit(8.0), urgent=False) is LimitAnswer.TIMED_OUT
    assert await station.set_limit(1, limit(8.0), urgent=False) is LimitAnswer.ACCEPTED


async def test_the_first_limit_after_a_pause_is_told_twice_where_it_gets_lost(
    station: Station, charger: RawCharger
) -> None:
    station.behave(Quirks(repeats_after_pause=True))
    for limit_a in (0.0, 10.0, 8.0):
        await station.set_limit(1, limit(limit_a), urgent=False)

    assert [it[2] for it in told(charger)] == [0.0, 10.0, 10.0, 8.0]


async def test_what_others_left_behind_is_cleared_once_ours_is_set(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["ClearChargingProfile"] = None
    station.behave(Quirks(clears_others=True))
    for limit_a in (10.0, 8.0):
        await station.set_limit(1, limit(limit_a), urgent=False)
    charger.answers["ClearChargingProfile"] = {"status": "Unknown"}
    await wait_until(lambda: len(charger.received("ClearChargingProfile")) == 2)

    assert charger.calls[0][0] == "SetChargingProfile"
    assert [it["chargingProfilePurpose"] for it in charger.received("ClearChargingProfile")] == [
        "ChargePointMaxProfile",
        "TxProfile",
    ]


async def test_what_is_accepted_and_ignored_is_told_in_the_likeliest_other_form(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    station.count_connectors(1)
    await start_transaction(charger)
    while True:
        await station.set_limit(1, limit(10.0), urgent=False)
        if not station.try_another_form():
            break
    await station.set_limit(1, limit(10.0), urgent=False)

    purposes = [(purpose, kind) for purpose, kind, _ in told(charger) if purpose != "TxProfile"]
    assert purposes == [
        ("TxDefaultProfile", "Absolute"),
        ("TxDefaultProfile", "Absolute"),
        ("TxDefaultProfile", "Relative"),
        ("ChargePointMaxProfile", "Absolute"),
        ("TxDefaultProfile", "Absolute"),
    ]
    assert station.forms_without_effect == 4
    assert not station.has_another_form
    assert not station.try_another_form()
    assert central.seen(StationLearnt)[-1].memory.form == central.seen(StationLearnt)[0].memory.form


async def told_until_taken(station: Station) -> LimitAnswer:
    """Tell a limit in all the ways that there are, or until one is taken."""
    while True:
        answer = await station.set_limit(1, limit(10.0), urgent=False)
        if answer is LimitAnswer.ACCEPTED or not station.tries_another_form:
            return answer


def units(charger: RawCharger) -> list[str]:
    return [it["chargingSchedule"]["chargingRateUnit"] for it in profiles(charger)]


async def test_a_charger_that_tells_no_unit_and_refuses_amperes_is_told_watts(
    station: Station, charger: RawCharger
) -> None:
    station.learn(Capabilities(max_stack_level=0, connectors=2))
    refusals: list[Answer] = [{"status": "Rejected"}] * 3
    charger.answers["SetChargingProfile"] = [*refusals, {"status": "Accepted"}]

    assert await told_until_taken(station) is LimitAnswer.ACCEPTED
    assert await station.set_limit(1, limit(8.0), urgent=False) is LimitAnswer.ACCEPTED

    assert units(charger) == ["A", "A", "A", "W", "W"]
    assert station.takes_watts


async def test_a_firmware_that_took_watts_is_told_watts_at_once(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    learnt = Capabilities(max_stack_level=0, connectors=2)
    station.learn(learnt)
    refusals: list[Answer] = [{"status": "Rejected"}] * 3
    charger.answers["SetChargingProfile"] = [*refusals, {"status": "Accepted"}]
    assert await told_until_taken(station) is LimitAnswer.ACCEPTED
    memory = central.seen(StationLearnt)[-1].memory
    charger.calls.clear()

    station.recall(FirmwareMemory())
    station.recall(memory)
    assert await station.set_limit(1, limit(8.0), urgent=False) is LimitAnswer.ACCEPTED

    assert memory.takes_watts
    assert units(charger) == ["W"]


async def test_a_firmware_that_takes_watts_no_more_is_told_amperes(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    form = ProfileForm(stack_level=0)
    learnt = Capabilities(max_stack_level=0, connectors=2)
    station.recall(FirmwareMemory(capabilities=learnt, form=form, takes_watts=True))
    refusals: list[Answer] = [{"status": "Rejected"}] * 3
    charger.answers["SetChargingProfile"] = [*refusals, {"status": "Accepted"}]

    assert await told_until_taken(station) is LimitAnswer.REJECTED
    assert await told_until_taken(station) is LimitAnswer.ACCEPTED

    assert units(charger) == ["W", "W", "W", "A"]
    assert central.seen(StationLearnt)[-1].memory == FirmwareMemory(capabilities=learnt, form=form)


async def test_watts_that_are_refused_as_well_are_given_up_again(
    station: Station, charger: RawCharger
) -> None:
    station.learn(Capabilities(max_stack_level=0, connectors=2))
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}

    for _ in range(3):
        assert await told_until_taken(station) is LimitAnswer.REJECTED

    assert units(charger).count("W") == 3
    assert units(charger)[-1] == "A"
    assert not station.takes_watts


async def test_a_charger_that_has_told_nothing_yet_is_not_told_watts(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    assert await told_until_taken(station) is LimitAnswer.REJECTED
    assert set(units(charger)) == {"A"}

    station.learn(Capabilities(max_stack_level=0, connectors=2))
    assert await told_until_taken(station) is LimitAnswer.REJECTED

    assert "W" in units(charger)


async def test_a_charger_that_says_amperes_is_never_told_watts(
    station: Station, charger: RawCharger
) -> None:
    station.learn(Capabilities(max_stack_level=0, connectors=2, rate_unit=RateUnit.AMPERE))
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}

    assert await told_until_taken(station) is LimitAnswer.REJECTED

    assert set(units(charger)) == {"A"}


async def test_nothing_else_is_tried_before_anything_was_accepted(
    station: Station, charger: RawCharger
) -> None:
    assert not station.has_another_form
    assert not station.try_another_form()
    assert station.forms_without_effect == 0


async def test_a_charger_with_room_for_one_profile_gets_none_for_its_transactions(
    station: Station, charger: RawCharger
) -> None:
    station.learn(Capabilities(max_stack_level=8, max_profiles=1))
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    while True:
        await station.set_limit(1, limit(10.0), urgent=False)
        if not station.tries_another_form:
            break
    assert "TxProfile" not in {purpose for purpose, _, _ in told(charger)}


async def test_limits_are_set_again_when_the_user_says_how_the_charger_behaves(
    central: Bench, station: Station
) -> None:
    central.events.clear()
    station.behave(Quirks(max_stack_level=0))
    station.behave(Quirks(max_stack_level=0))
    assert central.seen(StationReady) == [StationReady(identity="CP1", booted=False)]


async def test_a_charger_is_asked_no_more_than_it_bears(central: Bench, dial: Dial) -> None:
    central.stations["CP1"].behave(Quirks(questions=Questions.NONE))
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: len(charger.received("TriggerMessage")) == 2)
    assert not charger.received("GetConfiguration")
    assert not charger.received("ChangeConfiguration")


async def test_a_charger_that_cannot_be_triggered_is_not(central: Bench, dial: Dial) -> None:
    central.stations["CP1"].behave(Quirks(triggers=False, questions=Questions.BY_KEY))
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: len(charger.received("GetConfiguration")) == 8)
    assert not charger.received("TriggerMessage")
    assert {} not in charger.received("GetConfiguration")


async def test_a_charger_that_does_not_meter_by_itself_is_asked_while_it_charges(
    central: Bench, dial: Dial
) -> None:
    central.stations["CP1"].behave(Quirks(polls_meter=True, triggers=False, meter_interval_s=1))
    charger = await dial()
    await charger.boot()
    await start_transaction(charger)
    await wait_until(lambda: charger.received("TriggerMessage"))
    assert charger.received("TriggerMessage")[0] == {
        "requestedMessage": "MeterValues",
        "connectorId": 1,
    }


async def test_a_meter_is_read_as_it_is_meant(
    central: Bench, station: Station, charger: RawCharger
) -> None:
    station.behave(Quirks(meter=MeterQuirks(spreads_one_line=True)))
    sampled = [
        {"measurand": "Current.Import", "phase": phase, "unit": "A", "value": "3.3"}
        for phase in ("L1", "L2", "L3")
    ]
    await charger.call("MeterValues", {"connectorId": 1, "meterValue": [{"sampledValue": sampled}]})
    (event,) = central.seen(MeterValuesReceived)
    assert event.values.currents_a == pytest.approx((9.9,))
