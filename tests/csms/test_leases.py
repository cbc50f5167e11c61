"""Limits that end above a profile which never does, for chargers that know no later periods."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.balanz.csms.capabilities import Capabilities
from custom_components.balanz.csms.leases import LeaseMechanism, possible_leases
from custom_components.balanz.csms.profile_forms import Kind, ProfileForm, Purpose
from custom_components.balanz.csms.profiles import (
    FALLBACK_PROFILE_IDS,
    LAPSE_MARGIN_S,
    UNKNOWN_CLOCK_S,
    Limit,
)
from custom_components.balanz.csms.quirks import Quirks
from custom_components.balanz.csms.station import LimitAnswer, Station

from .client import RawCharger, wait_until
from .conftest import Bench, Dial

LEASE_S = 900.0
TAIL, STACK, TRANSACTION = LeaseMechanism
HIGH = ProfileForm(stack_level=8)
ABILITIES = Capabilities(max_stack_level=8, max_periods=1)


def limit(limit_a: float, fallback_a: float = 6.0) -> Limit:
    return Limit(limit_a=limit_a, fallback_a=fallback_a, lease_s=LEASE_S)


@pytest.mark.parametrize(
    ("form", "capabilities", "possible"),
    [
        (HIGH, Capabilities(max_periods=2), (TAIL, STACK, TRANSACTION)),
        (HIGH, Capabilities(), (STACK, TRANSACTION)),
        (HIGH, Capabilities(max_profiles=1), ()),
        (HIGH, Capabilities(max_profiles=3, connectors=2), ()),
        (HIGH, Capabilities(max_profiles=4, connectors=2), (STACK, TRANSACTION)),
        (ProfileForm(stack_level=0), Capabilities(max_periods=2), (TAIL, TRANSACTION)),
        (ProfileForm(stack_level=0), Capabilities(), (TRANSACTION,)),
        (ProfileForm(stack_level=8, purpose=Purpose.TX), Capabilities(), (TRANSACTION,)),
        (ProfileForm(stack_level=8, whole_charger=True), Capabilities(), (STACK,)),
        (ProfileForm(stack_level=8, kind=Kind.RELATIVE), Capabilities(max_periods=2), ()),
        (ProfileForm(stack_level=8, purpose=Purpose.CHARGE_POINT_MAX), Capabilities(), ()),
    ],
)
def test_a_charger_can_only_do_what_its_words_and_its_form_allow(
    form: ProfileForm, capabilities: Capabilities, possible: tuple[LeaseMechanism, ...]
) -> None:
    assert possible_leases(form, capabilities) == possible


@pytest.fixture
async def station(central: Bench, charger: RawCharger) -> Station:
    """CP1, whose clock is right, and whose limits are to end above a fallback."""
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    await tell_the_time(charger, station)
    station.learn(ABILITIES)
    station.lease = STACK
    charger.calls.clear()
    return station


async def tell_the_time(charger: RawCharger, station: Station) -> None:
    for number in range(5):
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        now = datetime.now(UTC).isoformat()
        await charger.call("StatusNotification", status | {"timestamp": now}, f"status-{number}")
    assert station.clock_skew_s is not None


def told(charger: RawCharger) -> list[dict[str, Any]]:
    return [payload["csChargingProfiles"] for payload in charger.received("SetChargingProfile")]


def short(profile: dict[str, Any]) -> tuple[int, int, float, bool]:
    """Return its id, its stack level, its limit and whether it ends."""
    schedule = profile["chargingSchedule"]
    ends = "validTo" in profile
    assert ends == ("duration" in schedule)
    (period,) = schedule["chargingSchedulePeriod"]
    return profile["chargingProfileId"], profile["stackLevel"], period["limit"], ends


async def set_limit(station: Station, limit_a: float, fallback_a: float = 6.0) -> LimitAnswer:
    answer = await station.set_limit(1, limit(limit_a, fallback_a), urgent=False)
    await wait_until(lambda: not station.busy)
    return answer


async def test_no_limit_ends_before_there_is_something_beneath_it(
    station: Station, charger: RawCharger
) -> None:
    assert station.lapses_after_s(1, limit(16.0)) is None
    await set_limit(station, 16.0)
    await wait_until(lambda: station.lapses_after_s(1, limit(16.0)) is not None)
    await set_limit(station, 16.0)

    assert [short(profile) for profile in told(charger)] == [
        (1, 8, 16.0, False),
        (1 + FALLBACK_PROFILE_IDS, 0, 6.0, False),
        (1, 8, 16.0, True),
    ]
    beneath, above = told(charger)[1:]
    begun = datetime.fromisoformat(beneath["chargingSchedule"]["startSchedule"])
    assert (datetime.now(UTC) - begun).total_seconds() >= UNKNOWN_CLOCK_S
    ends = datetime.fromisoformat(above["validTo"])
    assert (ends - datetime.now(UTC)).total_seconds() == pytest.approx(LEASE_S, abs=2.0)
    lapses_after_s = station.lapses_after_s(1, limit(16.0))
    assert lapses_after_s == pytest.approx(LEASE_S + LAPSE_MARGIN_S, abs=1.0)


async def test_a_limit_no_higher_than_the_fallback_has_no_end(
    station: Station, charger: RawCharger
) -> None:
    await station.prepare_lease(1, limit(16.0))
    await set_limit(station, 6.0)

    assert short(told(charger)[-1]) == (1, 8, 6.0, False)


async def test_a_charger_that_refuses_the_fallback_gets_limits_without_an_end(
    station: Station, charger: RawCharger
) -> None:
    accepted, rejected = {"status": "Accepted"}, {"status": "Rejected"}
    charger.answers["SetChargingProfile"] = [accepted, rejected, accepted]
    await set_limit(station, 16.0)
    await wait_until(lambda: len(told(charger)) == 2 and not station.busy)
    for _ in range(2):
        assert await set_limit(station, 16.0) is LimitAnswer.ACCEPTED

    assert [short(profile)[::3] for profile in told(charger)] == [
        (1, False),
        (1 + FALLBACK_PROFILE_IDS, False),
        (1, False),
        (1, False),
    ]
    assert station.lapses_after_s(1, limit(16.0)) is None


async def test_another_fallback_is_set_beneath_a_limit_without_an_end(
    station: Station, charger: RawCharger
) -> None:
    await station.prepare_lease(1, limit(16.0))
    await set_limit(station, 16.0)
    charger.calls.clear()
    await set_limit(station, 16.0, fallback_a=8.0)
    await wait_until(lambda: station.lapses_after_s(1, limit(16.0, 8.0)) is not None)

    assert [short(profile) for profile in told(charger)] == [
        (1, 8, 16.0, False),
        (1 + FALLBACK_PROFILE_IDS, 0, 8.0, False),
    ]


async def test_what_a_charger_kept_while_it_was_gone_is_not_relied_on(
    station: Station, charger: RawCharger, dial: Dial
) -> None:
    await station.prepare_lease(1, limit(16.0))
    assert station.lapses_after_s(1, limit(16.0)) is not None
    again = await dial()
    await again.boot()

    assert station.lapses_after_s(1, limit(16.0)) is None


async def test_what_others_may_have_cleared_is_not_relied_on(
    station: Station, charger: RawCharger
) -> None:
    await station.prepare_lease(1, limit(16.0))
    station.doubt_fallbacks()

    assert station.lapses_after_s(1, limit(16.0)) is None


async def test_a_fallback_that_is_needed_no_more_is_cleared_beneath_a_limit_without_an_end(
    station: Station, charger: RawCharger
) -> None:
    charger.answers["ClearChargingProfile"] = {"status": "Accepted"}
    await station.prepare_lease(1, limit(16.0))
    await set_limit(station, 16.0)
    station.lease = TAIL
    await set_limit(station, 16.0)
    await wait_until(lambda: charger.received("ClearChargingProfile"))

    assert short(told(charger)[-1]) == (1, 8, 16.0, False)
    assert charger.received("ClearChargingProfile") == [{"id": 1 + FALLBACK_PROFILE_IDS}]


async def test_a_form_without_a_time_leaves_the_fallback_alone(
    station: Station, charger: RawCharger
) -> None:
    station.behave(Quirks(kind=Kind.RELATIVE))
    await set_limit(station, 16.0)

    assert [short(profile) for profile in told(charger)] == [(1, 8, 16.0, False)]


async def test_a_cap_earns_nothing_for_ending_as_a_default_was_seen_to(station: Station) -> None:
    station.learn(Capabilities(max_stack_level=8, max_periods=2, max_profiles=4))
    station.lease = TAIL
    assert station.lapses_after_s(1, limit(16.0)) is not None

    station.capped = True

    assert station.lapses_after_s(1, limit(16.0)) is None


# Limits of the running transaction that end above the default

START = {"connectorId": 1, "idTag": "TAG", "meterStart": 0}


async def start(charger: RawCharger, number: int = 1) -> int:
    """Let a transaction begin, and return its number."""
    started = {**START, "meterStart": number, "timestamp": datetime.now(UTC).isoformat()}
    answer = await charger.call("StartTransaction", started, f"start-{number}")
    return int(answer["transactionId"])


def of_transaction(charger: RawCharger) -> list[tuple[str, float, bool]]:
    """Return the purpose and the limit of each profile that was told, and whether it ends."""
    return [
        (
            one["chargingProfilePurpose"],
            one["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"],
            "validTo" in one,
        )
        for one in told(charger)
    ]


@pytest.fixture
async def charging(station: Station, charger: RawCharger) -> Station:
    """The same with a transaction that has its limit, and the fallback beneath it."""
    station.lease = TRANSACTION
    await start(charger)
    await set_limit(station, 16.0)
    await wait_until(lambda: station.lapses_after_s(1, limit(16.0)) is not None)
    return station


async def test_a_limit_of_the_transaction_ends_above_the_default(
    charging: Station, charger: RawCharger
) -> None:
    await set_limit(charging, 16.0)
    await set_limit(charging, 10.0)

    assert of_transaction(charger) == [
        ("TxDefaultProfile", 16.0, False),
        ("TxProfile", 16.0, False),
        ("TxDefaultProfile", 6.0, False),
        ("TxProfile", 16.0, True),
        ("TxProfile", 10.0, True),
    ]
    assert {one["chargingProfileId"] for one in told(charger)} == {1, 1001}


async def test_without_a_transaction_no_limit_ends(station: Station, charger: RawCharger) -> None:
    station.lease = TRANSACTION
    await set_limit(station, 16.0)
    await set_limit(station, 16.0)

    assert of_transaction(charger) == [("TxDefaultProfile", 16.0, False)] * 2
    assert station.lapses_after_s(1, limit(16.0)) is None


async def test_a_cut_to_less_than_the_fallback_outlasts_the_transaction(
    charging: Station, charger: RawCharger
) -> None:
    """The default would lift it otherwise once the transaction has ended."""
    charger.calls.clear()
    await set_limit(charging, 0.0)
    await asyncio.sleep(0.1)

    assert of_transaction(charger) == [("TxDefaultProfile", 0.0, False), ("TxProfile", 0.0, False)]


async def test_the_next_transaction_begins_without_an_end(
    charging: Station, charger: RawCharger
) -> None:
    await start(charger, 2)
    charger.calls.clear()
    assert charging.lapses_after_s(1, limit(16.0)) is None
    await set_limit(charging, 16.0)

    assert of_transaction(charger)[:2] == [
        ("TxDefaultProfile", 16.0, False),
        ("TxProfile", 16.0, False),
    ]


async def test_a_limit_that_the_transaction_does_not_take_may_be_in_force_or_not(
    charging: Station, charger: RawCharger
) -> None:
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}

    assert await set_limit(charging, 10.0) is LimitAnswer.TIMED_OUT
    assert charging.lapses_after_s(1, limit(16.0)) is None


async def test_a_default_is_not_set_beneath_while_others_wait_for_the_line(
    station: Station, charger: RawCharger
) -> None:
    """It would come after a cut, and lift it in the end."""
    station.lease = TRANSACTION
    await start(charger)

    async def ask() -> None:
        while not told(charger) or told(charger)[-1]["chargingProfilePurpose"] != "TxProfile":
            await station.request("GetConfiguration", {})
        await station.request("GetConfiguration", {})

    asking = [asyncio.create_task(ask()) for _ in range(3)]
    assert await station.set_limit(1, limit(16.0), urgent=False) is LimitAnswer.ACCEPTED
    await asyncio.gather(*asking)
    await set_limit(station, 0.0)

    assert of_transaction(charger)[-2:] == [
        ("TxDefaultProfile", 0.0, False),
        ("TxProfile", 0.0, False),
    ]
    assert ("TxDefaultProfile", 6.0, False) not in of_transaction(charger)
