"""How a charger answers what it is told and asked."""

import asyncio

import pytest
from ocpp.exceptions import OCPPError
from ocpp.v16 import call
from ocpp.v16.enums import (
    AvailabilityType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    MessageTrigger,
    UpdateType,
)

from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.options import ChargerOptions
from simulator.profiles import ProfileCapabilities, Unit

from .conftest import (
    CentralSystem,
    MakeCharger,
    eventually,
    profile_payload,
    set_limit,
)

EAGER = Car(start_lag_s=0, reaction_lag_s=0)


@pytest.fixture
async def charger(central: CentralSystem, make_charger: MakeCharger) -> SimulatedCharger:
    """One that is told nothing by itself but its statuses, and waits to be told to charge."""
    charger = await make_charger(
        options=ChargerOptions(sample_interval_s=0, charges_freely=False, heartbeat_interval_s=0)
    )
    await eventually(lambda: central.statuses() == ["Available"])
    return charger


async def test_it_tells_its_configuration(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    everything = await central.call(call.GetConfiguration())
    some = await central.call(call.GetConfiguration(key=["NumberOfConnectors", "Nonsense"]))

    keys = {it["key"] for it in everything.configuration_key}
    assert {"ChargeProfileMaxStackLevel", "MeterValueSampleInterval"} <= keys
    assert some.configuration_key == [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]
    assert some.unknown_key == ["Nonsense"]


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("MeterValueSampleInterval", "30", "Accepted"),
        ("MeterValueSampleInterval", "soon", "Rejected"),
        ("AllowOfflineTxForUnknownId", "maybe", "Rejected"),
        ("MeterValuesSampledData", "Voltage,Current.Import", "Accepted"),
        ("MeterValuesSampledData", "Mood", "Rejected"),
        ("NumberOfConnectors", "2", "Rejected"),
        ("WebSocketPingInterval", "10", "RebootRequired"),
        ("Nonsense", "1", "NotSupported"),
    ],
)
async def test_it_takes_configuration_that_makes_sense(
    central: CentralSystem, charger: SimulatedCharger, key: str, value: str, status: str
) -> None:
    answer = await central.call(call.ChangeConfiguration(key=key, value=value))

    assert answer.status == status


async def test_it_starts_and_stops_when_told(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    start = call.RemoteStartTransaction(
        id_tag="BEA", charging_profile=profile_payload(9, purpose="TxProfile")
    )
    assert (await central.call(start)).status == "Rejected"
    charger.plug_in(EAGER)

    assert (await central.call(start)).status == "Accepted"
    await charger.wait_until(lambda: charger.currents_a == (9, 9, 9))
    await charger.wait_until(lambda: charger.transaction_id == 101)
    assert (await central.call(call.RemoteStopTransaction(transaction_id=7))).status == "Rejected"
    assert (await central.call(call.RemoteStopTransaction(transaction_id=101))).status == "Accepted"

    await eventually(lambda: central.last_status() == "Finishing")
    assert central.messages("StopTransaction")[0]["reason"] == "Remote"
    assert not central.messages("Authorize")


async def test_a_profile_that_does_not_fit_does_not_stop_a_remote_start(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.plug_in(EAGER)
    odd = profile_payload(9, purpose="ChargePointMaxProfile")

    answer = await central.call(call.RemoteStartTransaction(id_tag="BEA", charging_profile=odd))

    assert answer.status == "Accepted"
    assert charger.limit_a is None


async def test_a_remote_start_asks_for_the_tag_if_configured(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    await central.call(call.ChangeConfiguration(key="AuthorizeRemoteTxRequests", value="true"))
    charger.plug_in(EAGER)

    await central.call(call.RemoteStartTransaction(id_tag="BEA", connector_id=1))

    await charger.wait_until(lambda: charger.transaction_id is not None)
    assert central.messages("Authorize") == [{"id_tag": "BEA"}]


async def test_unlocking_ends_the_transaction(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.plug_in(EAGER)
    await central.call(call.RemoteStartTransaction(id_tag="BEA"))
    await charger.wait_until(lambda: charger.transaction_id is not None)

    assert (await central.call(call.UnlockConnector(connector_id=1))).status == "Unlocked"
    assert (await central.call(call.UnlockConnector(connector_id=5))).status == "NotSupported"

    await eventually(lambda: len(central.messages("StopTransaction")) == 1)
    assert central.messages("StopTransaction")[0]["reason"] == "UnlockCommand"


async def test_it_is_put_out_of_service_and_back(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    off = call.ChangeAvailability(connector_id=0, type=AvailabilityType.inoperative)
    on = call.ChangeAvailability(connector_id=0, type=AvailabilityType.operative)

    assert (await central.call(off)).status == "Accepted"
    await eventually(lambda: central.last_status() == "Unavailable")
    assert central.statuses(0)[-1] == "Unavailable"
    assert (await central.call(on)).status == "Accepted"
    await eventually(lambda: central.last_status() == "Available")


async def test_a_transaction_delays_going_out_of_service(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.plug_in(EAGER)
    await central.call(call.RemoteStartTransaction(id_tag="BEA"))
    await charger.wait_until(lambda: charger.transaction_id is not None)

    answer = await central.call(
        call.ChangeAvailability(connector_id=1, type=AvailabilityType.inoperative)
    )
    assert answer.status == "Scheduled"
    assert charger.status == "Charging"
    charger.unplug()

    await eventually(lambda: central.last_status() == "Unavailable")


@pytest.mark.parametrize(
    ("trigger", "action"),
    [
        (MessageTrigger.boot_notification, "BootNotification"),
        (MessageTrigger.heartbeat, "Heartbeat"),
        (MessageTrigger.status_notification, "StatusNotification"),
        (MessageTrigger.meter_values, "MeterValues"),
        (MessageTrigger.firmware_status_notification, "FirmwareStatusNotification"),
        (MessageTrigger.diagnostics_status_notification, "DiagnosticsStatusNotification"),
    ],
)
async def test_it_sends_what_it_is_triggered_to(
    central: CentralSystem, charger: SimulatedCharger, trigger: MessageTrigger, action: str
) -> None:
    before = len(central.messages(action))

    answer = await central.call(call.TriggerMessage(requested_message=trigger))

    assert answer.status == "Accepted"
    await eventually(lambda: len(central.messages(action)) > before)


async def test_a_trigger_may_name_a_connector_or_the_charger(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    def values(connector_id: int) -> call.TriggerMessage:
        return call.TriggerMessage(
            requested_message=MessageTrigger.meter_values, connector_id=connector_id
        )

    assert (await central.call(values(0))).status == "Accepted"
    assert (await central.call(values(1))).status == "Accepted"
    assert (await central.call(values(9))).status == "Rejected"

    await eventually(lambda: len(central.messages("MeterValues")) == 2)
    assert [it["connector_id"] for it in central.messages("MeterValues")] == [0, 1]


async def test_a_triggered_message_that_fails_is_let_go(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    central.failing_actions = {"Heartbeat"}
    await central.call(call.TriggerMessage(requested_message=MessageTrigger.heartbeat))
    await eventually(lambda: len(central.messages("Heartbeat")) == 1)

    await central.call(call.TriggerMessage(requested_message=MessageTrigger.status_notification))

    await eventually(lambda: len(central.statuses()) == 2)
    assert charger.connections == 1


async def test_it_has_no_cache_and_knows_no_vendor(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    assert (await central.call(call.ClearCache())).status == "Accepted"
    assert (await central.call(call.DataTransfer(vendor_id="x"))).status == "UnknownVendorId"


async def test_an_unknown_connector_is_an_error(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    with pytest.raises(OCPPError) as refused:
        await central.call(
            call.SetChargingProfile(connector_id=5, cs_charging_profiles=profile_payload(10))
        )
    assert type(refused.value).__name__ == "PropertyConstraintViolationError"


async def test_profiles_are_cleared_by_criteria(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    await set_limit(central, 10, profile_id=7)
    other = call.ClearChargingProfile(
        connector_id=1, charging_profile_purpose=ChargingProfilePurposeType.tx_profile
    )

    assert (await central.call(other)).status == "Unknown"
    assert (await central.call(call.ClearChargingProfile(id=7))).status == "Accepted"
    assert charger.limit_a is None


@pytest.mark.parametrize(
    ("connector_id", "unit", "expected"),
    [
        (1, None, [(0, 12.0), (600, 6.0)]),
        (0, ChargingRateUnitType.amps, [(0, 12.0), (600, 6.0)]),
        (1, ChargingRateUnitType.watts, [(0, 8280.0), (600, 4140.0)]),
    ],
)
async def test_the_composite_schedule_is_what_will_be_offered(
    central: CentralSystem,
    charger: SimulatedCharger,
    connector_id: int,
    unit: ChargingRateUnitType | None,
    expected: list[tuple[int, float]],
) -> None:
    payload = profile_payload(0)
    payload["charging_schedule"]["charging_schedule_period"] = [
        {"start_period": 0, "limit": 12.0},
        {"start_period": 660, "limit": 6.0},
    ]
    await central.call(call.SetChargingProfile(connector_id=1, cs_charging_profiles=payload))

    answer = await central.call(
        call.GetCompositeSchedule(connector_id=connector_id, duration=3600, charging_rate_unit=unit)
    )

    assert answer.status == "Accepted"
    periods = [
        (it["start_period"], float(it["limit"]))
        for it in answer.charging_schedule["charging_schedule_period"]
    ]
    # The profile began up to a second before a minute ago, the schedule begins now.
    assert [limit for _, limit in periods] == [limit for _, limit in expected]
    assert periods[1][0] in (expected[1][0] - 1, expected[1][0])


async def test_a_unit_that_the_charger_does_not_have_is_rejected(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    amperes = ProfileCapabilities(units=(Unit.A,), maximum_installed=1)
    charger = await make_charger(options=ChargerOptions(profile_capabilities=amperes))
    await charger.wait_until(lambda: charger.accepted)

    answer = await central.call(
        call.GetCompositeSchedule(
            connector_id=1, duration=60, charging_rate_unit=ChargingRateUnitType.watts
        )
    )

    assert answer.status == "Rejected"
    assert await set_limit(central, 10) == "Accepted"
    assert await set_limit(central, 10, profile_id=2, stack_level=1) == "Rejected"


async def test_a_charger_may_reject_all_profiles(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.faults = Faults(reject_profiles=True)

    assert await set_limit(central, 10) == "Rejected"
    assert charger.limit_a is None
    assert charger.profile_writes == 1


async def test_a_charger_may_take_lower_stack_levels_only_than_it_says(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.faults = Faults(reject_stack_levels_above=1)

    assert await set_limit(central, 10, stack_level=2) == "Rejected"
    assert await set_limit(central, 8, stack_level=1) == "Accepted"
    assert charger.limit_a == 8


async def test_a_charger_may_drop_all_periods_but_the_first(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.faults = Faults(drop_later_periods=True)
    payload = profile_payload(0)
    payload["charging_schedule"]["charging_schedule_period"] = [
        {"start_period": 0, "limit": 12.0},
        {"start_period": 1, "limit": 6.0},
    ]

    answer = await central.call(
        call.SetChargingProfile(connector_id=1, cs_charging_profiles=payload)
    )

    assert answer.status == "Accepted"
    assert charger.limit_a == 12


async def test_a_charger_may_accept_profiles_and_not_obey(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.faults = Faults(ignore_profiles=True)
    charger.plug_in(EAGER)
    await central.call(call.RemoteStartTransaction(id_tag="BEA"))

    assert await set_limit(central, 10) == "Accepted"

    await charger.wait_until(lambda: charger.currents_a == (16, 16, 16))
    assert len(charger.profiles.installed) == 1


async def test_a_silent_charger_answers_nothing_but_talks_on(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    charger.faults = Faults(silent=True)
    central.peer._response_timeout = 0.2

    with pytest.raises(TimeoutError):
        await set_limit(central, 10)
    charger.plug_in(EAGER)

    await eventually(lambda: central.last_status() == "Preparing")
    assert charger.profile_writes == 0


async def test_a_slow_charger_obeys_at_once_and_answers_late(
    central: CentralSystem, charger: SimulatedCharger
) -> None:
    central.peer._response_timeout = 0.1
    charger.faults = Faults(answer_delay_s=0.3)
    with pytest.raises(TimeoutError):
        await set_limit(central, 10)
    assert charger.limit_a == 10

    central.peer._response_timeout = 5
    async with asyncio.timeout(5):
        assert (await central.call(call.ClearCache())).status == "Accepted"


async def send_list(
    central: CentralSystem, version: int, update_type: UpdateType, *tags: str
) -> str:
    answer = await central.call(
        call.SendLocalList(
            list_version=version,
            update_type=update_type,
            local_authorization_list=[
                {"id_tag": tag, "id_tag_info": {"status": "Accepted"}} for tag in tags
            ],
        )
    )
    return str(answer.status)


async def test_a_local_list_takes_what_fits_and_is_newer(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(local_list_length=2))
    await eventually(lambda: central.statuses() == ["Available"])

    assert await send_list(central, 3, UpdateType.full, "A") == "Accepted"
    assert await send_list(central, 3, UpdateType.differential, "B") == "VersionMismatch"
    assert await send_list(central, 4, UpdateType.differential, "B", "C") == "Failed"
    assert set(charger.station.local_list.tags) == {"a"}
    assert (await central.call(call.GetLocalListVersion())).list_version == 3


async def test_a_charger_without_a_local_list_says_so(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    await make_charger(options=ChargerOptions(local_list_length=0))
    await eventually(lambda: central.statuses() == ["Available"])

    assert await send_list(central, 1, UpdateType.full, "A") == "NotSupported"
    assert (await central.call(call.GetLocalListVersion())).list_version == -1
