"""From the plug to the bill: what a charger does and says while a car charges."""

import pytest
from ocpp.v16 import call
from ocpp.v16.enums import AuthorizationStatus

from simulator.car import Car
from simulator.clock import Clock
from simulator.faults import Faults, MeterStyle
from simulator.options import ChargerOptions

from .conftest import CentralSystem, MakeCharger, eventually, profile_payload, set_limit

EAGER = Car(start_lag_s=0, reaction_lag_s=0)


async def test_a_car_is_authorized_charged_and_billed(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(id_tag="ANNA", meter_start_wh=500))
    await charger.wait_until(lambda: charger.accepted)

    charger.plug_in(EAGER)
    await charger.wait_until(lambda: charger.energy_wh > 510)
    charger.unplug()
    await eventually(lambda: central.last_status() == "Available")

    assert central.messages("Authorize") == [{"id_tag": "ANNA"}]
    (start,), (stop,) = central.messages("StartTransaction"), central.messages("StopTransaction")
    assert (start["connector_id"], start["id_tag"], start["meter_start"]) == (1, "ANNA", 500)
    assert (stop["transaction_id"], stop["reason"]) == (101, "EVDisconnected")
    assert stop["meter_stop"] == int(charger.energy_wh) >= 510
    assert central.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]


async def test_meter_values_carry_the_truth_per_phase_and_the_transaction(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER)
    await charger.wait_until(lambda: charger.currents_a == (16, 16, 16))
    await eventually(lambda: "transaction_id" in (central.messages("MeterValues") or [{}])[-1])

    samples = central.messages("MeterValues")[-1]["meter_value"][0]["sampled_value"]
    told = {(it["measurand"], it.get("phase")): (float(it["value"]), it["unit"]) for it in samples}
    assert told.pop(("Energy.Active.Import.Register", None))[1] == "Wh"
    assert told == {
        ("Current.Import", "L1"): (16, "A"),
        ("Current.Import", "L2"): (16, "A"),
        ("Current.Import", "L3"): (16, "A"),
        ("Power.Active.Import", None): (11040, "W"),
        ("Voltage", "L1-N"): (230, "V"),
        ("Voltage", "L2-N"): (230, "V"),
        ("Voltage", "L3-N"): (230, "V"),
        ("Current.Offered", None): (16, "A"),
    }


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (Faults(meter_style=MeterStyle.POWER_ONLY), {("Power.Active.Import", "W")}),
        (
            Faults(meter_style=MeterStyle.ENERGY_ONLY, kilo_units=True),
            {("Energy.Active.Import.Register", "kWh")},
        ),
        (
            Faults(meter_style=MeterStyle.POWER_ONLY, kilo_units=True),
            {("Power.Active.Import", "kW")},
        ),
    ],
)
async def test_some_meters_tell_less(
    central: CentralSystem, make_charger: MakeCharger, faults: Faults, told: set[tuple[str, str]]
) -> None:
    await make_charger(car=EAGER, faults=faults)
    await eventually(lambda: len(central.messages("MeterValues")) >= 1)

    samples = central.messages("MeterValues")[-1]["meter_value"][0]["sampled_value"]
    assert {(it["measurand"], it["unit"]) for it in samples} == told


async def test_some_meters_know_no_phases(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER, faults=Faults(meter_style=MeterStyle.NO_PHASES))
    await charger.wait_until(lambda: max(charger.currents_a) == 16)
    seen = len(central.messages("MeterValues"))
    await eventually(lambda: len(central.messages("MeterValues")) > seen + 1)

    samples = central.messages("MeterValues")[-1]["meter_value"][0]["sampled_value"]
    currents = [it for it in samples if it["measurand"] == "Current.Import"]
    assert [(it["value"], it.get("phase")) for it in currents] == [("16.0", None)]


async def test_the_sampling_interval_can_be_changed_and_switched_off(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(sample_interval_s=0))
    await charger.wait_until(lambda: charger.accepted)
    await central.call(call.ChangeConfiguration(key="MeterValueSampleInterval", value="1"))

    await eventually(lambda: len(central.messages("MeterValues")) >= 2)


async def test_a_limit_holds_the_car_and_lifting_it_lets_it_go(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER)
    await charger.wait_until(lambda: charger.currents_a == (16, 16, 16))

    assert await set_limit(central, 10.5) == "Accepted"
    await charger.wait_until(lambda: charger.currents_a == (10.5, 10.5, 10.5))
    assert (charger.limit_a, charger.offered_a, charger.profile_writes) == (10.5, 10.5, 1)

    await central.call(call.ClearChargingProfile())
    await charger.wait_until(lambda: charger.currents_a == (16, 16, 16))
    assert charger.limit_a is None
    assert charger.profiles.installed == ()


async def test_zero_pauses_the_transaction_without_ending_it(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER)
    await charger.wait_until(lambda: charger.status == "Charging")

    await set_limit(central, 0)
    await eventually(lambda: central.last_status() == "SuspendedEVSE")
    await charger.wait_until(lambda: charger.currents_a == (0, 0, 0))
    await set_limit(central, 6)
    await eventually(lambda: central.last_status() == "Charging")

    assert not central.messages("StopTransaction")


async def test_a_sleeping_car_is_suspended_by_the_car(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    await make_charger(car=Car(asleep=((0.0, float("inf")),)))

    await eventually(lambda: central.last_status() == "SuspendedEV")


async def test_an_unknown_tag_gets_no_transaction(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    central.tag_status = AuthorizationStatus.invalid
    charger = await make_charger(car=Car())

    await eventually(lambda: central.last_status() == "Finishing")

    assert not central.messages("StartTransaction")
    assert charger.transaction_id is None


async def test_a_tag_refused_at_the_start_ends_the_transaction(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    central.failing_actions = {"Authorize"}
    central.tag_status = AuthorizationStatus.blocked
    await make_charger(car=Car())

    await eventually(lambda: len(central.messages("StopTransaction")) == 1)

    assert central.messages("StopTransaction")[0]["reason"] == "DeAuthorized"


async def test_what_happened_offline_is_told_later_in_order(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(sample_interval_s=0, reconnect_s=0.5))
    await charger.wait_until(lambda: charger.accepted)
    await central.stop()
    await charger.wait_until(lambda: not charger.connected)

    charger.plug_in(EAGER)
    await charger.wait_until(lambda: charger.energy_wh > 5)
    charger.unplug()
    assert not central.messages("StartTransaction")
    await central.start()

    await eventually(lambda: len(central.messages("StopTransaction")) == 1)
    (start,), (stop,) = central.messages("StartTransaction"), central.messages("StopTransaction")
    assert start["timestamp"] < stop["timestamp"]
    assert stop["transaction_id"] == 101


async def test_offline_nothing_starts_if_the_charger_may_not_trust_unknown_tags(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(reconnect_s=0.5))
    await charger.wait_until(lambda: charger.accepted)
    await central.call(call.ChangeConfiguration(key="AllowOfflineTxForUnknownId", value="false"))
    await central.stop()
    await charger.wait_until(lambda: not charger.connected)

    charger.plug_in(EAGER)
    assert charger.status == "Preparing"
    await central.start()

    await charger.wait_until(lambda: charger.transaction_id is not None)


async def test_a_transaction_message_that_fails_is_tried_again_and_then_given_up(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    central.failing_actions = {"StartTransaction"}
    charger = await make_charger(car=EAGER, options=ChargerOptions(sample_interval_s=0))
    await charger.wait_until(lambda: charger.accepted)
    await eventually(lambda: len(central.messages("StartTransaction")) == 3)
    await eventually(lambda: "Charging" in central.statuses())

    charger.unplug()
    await eventually(lambda: central.last_status() == "Available")

    assert not central.messages("StopTransaction")


async def test_two_connectors_have_a_transaction_each_and_share_the_chargers_limit(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER, options=ChargerOptions(connectors=2), clock=Clock(20))
    await charger.wait_until(lambda: charger.accepted)
    charger.plug_in(EAGER, connector_id=2)
    await charger.wait_until(lambda: charger.currents_a == (32, 32, 32))

    assert await set_limit(central, 20, purpose="ChargePointMaxProfile") == "Rejected"
    await central.call(
        call.SetChargingProfile(
            connector_id=0,
            cs_charging_profiles=profile_payload(20, purpose="ChargePointMaxProfile"),
        )
    )

    await charger.wait_until(lambda: charger.currents_a == (20, 20, 20))
    await eventually(lambda: len(central.messages("StartTransaction")) == 2)


async def test_a_charger_that_switches_phases_obeys_their_number(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=EAGER, options=ChargerOptions(switches_phases=True))
    await charger.wait_until(lambda: charger.currents_a == (16, 16, 16))
    schedule = {
        "charging_rate_unit": "W",
        "start_schedule": "2026-01-01T00:00:00Z",
        "charging_schedule_period": [{"start_period": 0, "limit": 2300.0, "number_phases": 1}],
    }

    await set_limit(central, 0, charging_schedule=schedule)

    await charger.wait_until(lambda: charger.currents_a == (10, 0, 0))


async def test_a_tx_profile_needs_its_transaction_and_ends_with_it(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger()
    await charger.wait_until(lambda: charger.accepted)
    limit = {"purpose": "TxProfile", "transaction_id": 101}
    assert await set_limit(central, 8, **limit) == "Rejected"

    charger.plug_in(EAGER)
    await charger.wait_until(lambda: charger.transaction_id == 101)
    assert await set_limit(central, 8, **limit) == "Accepted"
    assert charger.limit_a == 8

    charger.unplug()
    assert charger.limit_a is None
