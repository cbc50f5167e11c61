"""What a change of a charger's configuration does to balancing."""

import pytest

from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.guarded_keys import (
    KeyWarning,
    read_again,
    tells_a_capability,
    warning_of,
)

from .client import RawCharger, wait_until
from .conftest import Bench

ALL_THAT_IS_NEEDED = "Voltage, Current.Import,Power.Active.Import,Energy.Active.Import.Register"


@pytest.mark.parametrize(
    ("key", "value", "warning"),
    [
        ("MeterValueSampleInterval", "10", None),
        ("metervaluesampleinterval", "30", None),
        ("MeterValueSampleInterval", "31", KeyWarning.READINGS_TOO_SELDOM),
        ("MeterValueSampleInterval", "0", KeyWarning.READINGS_TOO_SELDOM),
        ("MeterValueSampleInterval", "often", KeyWarning.READINGS_TOO_SELDOM),
        ("MeterValuesSampledData", ALL_THAT_IS_NEEDED, None),
        ("MeterValuesSampledData", "Current.Import", KeyWarning.MEASURANDS_MISSING),
        ("HeartbeatInterval", "300", None),
        ("HeartbeatInterval", "3600", KeyWarning.HEARTBEAT_TOO_SELDOM),
        ("HeartbeatInterval", "0", KeyWarning.HEARTBEAT_TOO_SELDOM),
        ("ConnectionTimeOut", "0", None),
    ],
)
def test_what_spoils_the_balancing_is_known(
    key: str, value: str, warning: KeyWarning | None
) -> None:
    assert warning_of(key, value) is warning


def test_some_keys_tell_what_limits_a_charger_takes() -> None:
    assert tells_a_capability("chargingscheduleallowedchargingrateunit")
    assert not tells_a_capability("MeterValueSampleInterval")


async def test_what_is_told_anew_is_learnt_and_the_rest_stays(
    central: Bench, charger: RawCharger
) -> None:
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    station.learn(Capabilities(max_stack_level=8, max_periods=4))
    charger.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "CHARGINGSCHEDULEALLOWEDCHARGINGRATEUNIT", "value": "Power", "readonly": False},
            {"key": "ChargingScheduleMaxPeriods", "readonly": True},
            {"key": "SomethingElse", "value": "1", "readonly": True},
        ]
    }

    await read_again(station)

    assert station.capabilities == Capabilities(
        max_stack_level=8, max_periods=4, rate_unit=RateUnit.WATT
    )


async def test_a_charger_that_does_not_tell_is_what_it_was(
    central: Bench, charger: RawCharger
) -> None:
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    station.learn(Capabilities(max_stack_level=8))
    charger.answers["GetConfiguration"] = '[4,"%s","NotSupported","",{}]'

    await read_again(station)

    assert station.capabilities == Capabilities(max_stack_level=8)
