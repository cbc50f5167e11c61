"""Chargers and meters that misbehave as they are told to."""

import asyncio

import pytest
from ocpp.v16 import call
from ocpp.v16.enums import ConfigurationStatus

from simulator.car import Car
from simulator.faults import Faults, HouseMeter, MeterFault
from simulator.options import ChargerOptions

from .conftest import CentralSystem, MakeCharger, eventually, set_limit

EAGER = Car(start_lag_s=0, reaction_lag_s=0, maximum_a=32)


async def test_a_charger_without_network_is_gone_and_comes_back(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER)
    await charger.wait_until(lambda: charger.currents_a[0] == 16)
    await set_limit(central, 8)
    charger.faults = Faults(offline=True)
    await charger.wait_until(lambda: not charger.connected)
    await charger.wait_until(lambda: charger.last_error == "no network")
    assert charger.limit_a == 8
    charger.faults = Faults()
    await charger.wait_until(lambda: charger.connected)


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_reboot_may_cost_a_charger_its_limits(
    central: CentralSystem, make_charger: MakeCharger, forgets: bool
) -> None:
    charger = await make_charger(car=EAGER, faults=Faults(drop_profiles_on_reboot=forgets))
    await charger.wait_until(lambda: charger.currents_a[0] == 16)
    await set_limit(central, 8)
    charger.reboot()
    await eventually(lambda: len(central.messages("BootNotification")) == 2)
    assert charger.limit_a == (None if forgets else 8)
    await charger.wait_until(lambda: charger.currents_a[0] == (16 if forgets else 8))


async def test_a_second_socket_takes_the_place_of_the_first(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger()
    await charger.wait_until(lambda: charger.accepted)
    await charger.duplicate_socket()
    await eventually(lambda: len(central.authorizations) == 2)
    assert charger.connected


async def test_a_late_answer_comes_after_the_next_one(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(faults=Faults(answers_late=True))
    await charger.wait_until(lambda: charger.accepted)
    request = call.ChangeConfiguration(key="HeartbeatInterval", value="77")

    late = asyncio.create_task(central.call(request))
    await charger.wait_until(
        lambda: charger.station.configuration.number("HeartbeatInterval") == 77
    )
    assert not late.done()
    late.cancel()
    answer = await central.call(request)

    assert answer.status == ConfigurationStatus.accepted


async def test_a_meter_may_tell_too_much_and_start_anew(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(
        car=EAGER,
        faults=Faults(meter_factor=2.0),
        options=ChargerOptions(sample_interval_s=2, meter_start_wh=500.0),
    )
    await charger.wait_until(lambda: charger.currents_a[0] == 16)

    def currents() -> list[str]:
        return [
            sample["value"]
            for message in central.messages("MeterValues")
            for sample in message["meter_value"][0]["sampled_value"]
            if sample["measurand"] == "Current.Import"
        ]

    await eventually(lambda: "32.0" in currents())
    assert charger.energy_wh >= 500
    charger.reset_meters()
    assert charger.energy_wh < 500


async def test_a_clock_may_become_wrong(central: CentralSystem, make_charger: MakeCharger) -> None:
    charger = await make_charger()
    before = charger.station.now()
    charger.faults = Faults(clock_skew_s=3600)
    assert (charger.station.now() - before).total_seconds() >= 3600


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (MeterFault.NONE, (1.0, 2.0, 3.0)),
        (MeterFault.SILENT, None),
        (MeterFault.FROZEN, (9.0, 9.0, 9.0)),
        (MeterFault.MILLIAMPERES, (1000.0, 2000.0, 3000.0)),
        (MeterFault.LYING, (0.5, 1.0, 1.5)),
    ],
)
def test_a_house_meter_tells_what_its_fault_lets_it(
    fault: MeterFault, told: tuple[float, float, float] | None
) -> None:
    meter = HouseMeter()
    meter.tell((9.0, 9.0, 9.0))
    meter.fault = fault
    assert meter.tell((1.0, 2.0, 3.0)) == told
