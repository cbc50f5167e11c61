"""What a charger says that it would offer is read as far as it tells anything."""

from typing import Any

import pytest

from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.composite_schedule import parse_composite_schedule
from custom_components.balanz.csms.station import CommandRejected, StationUnreachable

from .client import RawCharger, wait_until
from .conftest import Bench


def answer(*periods: Any, **changes: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": list(periods)}
    return {"status": "Accepted", "chargingSchedule": schedule | changes}


def period(start_s: Any, limit: Any) -> dict[str, Any]:
    return {"startPeriod": start_s, "limit": limit}


@pytest.mark.parametrize(
    ("told", "limit_a"),
    [
        pytest.param(answer(period(0, 8.0), period(60, 6.0)), 8.0, id="two-periods"),
        pytest.param(answer(period(60, 6.0), period(0, 8.0)), 8.0, id="in-any-order"),
        pytest.param(answer(period("0", "8")), 8.0, id="text"),
        pytest.param(answer(period(0, 1840), chargingRateUnit="W"), 8.0, id="watts-of-one-line"),
    ],
)
def test_the_limit_of_this_moment_is_read(told: dict[str, Any], limit_a: float) -> None:
    schedule = parse_composite_schedule(told)
    assert schedule is not None
    assert schedule.limit_now_a == limit_a


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"status": "Rejected"}, id="rejected"),
        pytest.param({"status": "Accepted"}, id="no-schedule"),
        pytest.param(answer(), id="no-periods"),
        pytest.param(answer(chargingSchedulePeriod="8"), id="no-list"),
        pytest.param(answer(8), id="no-period"),
        pytest.param(answer(period(0, "much")), id="no-number"),
        pytest.param(answer(period(0, -1)), id="negative"),
        pytest.param(answer(period(30, 8.0)), id="only-later"),
    ],
)
def test_what_tells_no_limit_of_this_moment_is_unknown(told: dict[str, Any]) -> None:
    assert parse_composite_schedule(told) is None


async def test_a_charger_is_asked_in_its_own_unit(central: Bench, charger: RawCharger) -> None:
    station = central.stations["CP1"]
    station.capabilities = Capabilities(rate_unit=RateUnit.WATT)
    charger.answers["GetCompositeSchedule"] = answer(period(0, 1840), chargingRateUnit="W")
    schedule = await station.composite_schedule(1, duration_s=300)
    assert schedule is not None
    assert schedule.limit_now_a == 8.0
    assert charger.received("GetCompositeSchedule") == [
        {"connectorId": 1, "duration": 300, "chargingRateUnit": "W"}
    ]


async def test_a_charger_that_cannot_say_is_told_from_one_that_is_gone(
    central: Bench, charger: RawCharger
) -> None:
    station = central.stations["CP1"]
    with pytest.raises(CommandRejected):
        await station.composite_schedule(1, duration_s=300)
    await charger.close()
    await wait_until(lambda: not station.connected)
    with pytest.raises(StationUnreachable):
        await station.composite_schedule(1, duration_s=300)
