"""How a charger introduces itself, and stays in touch."""

from base64 import b64encode

import pytest
from ocpp.v16 import call
from ocpp.v16.enums import MessageTrigger, RegistrationStatus, ResetType

from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.frames import Direction
from simulator.options import ChargerOptions

from .conftest import CentralSystem, MakeCharger, eventually, set_limit, wire_calls


async def test_it_boots_and_tells_the_status_of_charger_and_connector(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(vendor="Simulated", model="AC 22-3"))
    await eventually(lambda: len(central.messages("StatusNotification")) >= 2)

    (boot,) = central.messages("BootNotification")
    assert boot["charge_point_vendor"] == "Simulated"
    assert boot["charge_point_model"] == "AC 22-3"
    assert central.statuses(0) == ["Available"]
    assert central.statuses(1) == ["Available"]
    assert charger.connected
    assert charger.accepted


async def test_the_identity_is_the_end_of_the_url_and_the_password_goes_along(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(password="secret"))
    await charger.wait_until(lambda: charger.connected)

    assert central.connection is not None
    assert central.connection.request is not None
    assert central.connection.request.path == "/ocpp/CP%201"
    assert central.connection.subprotocol == "ocpp1.6"
    assert central.authorizations == [f"Basic {b64encode(b'CP 1:secret').decode()}"]


@pytest.mark.parametrize("status", [RegistrationStatus.pending, RegistrationStatus.rejected])
async def test_until_it_is_accepted_it_only_asks_again(
    central: CentralSystem, make_charger: MakeCharger, status: RegistrationStatus
) -> None:
    central.registration, central.interval_s = status, 2
    charger = await make_charger(car=Car())
    await eventually(lambda: len(central.messages("BootNotification")) >= 3)

    assert {action for action, _ in central.received} == {"BootNotification"}
    assert not charger.accepted
    central.registration = RegistrationStatus.accepted
    await charger.wait_until(lambda: charger.transaction_id is not None)


async def test_a_pending_charger_asks_at_once_when_it_is_told_to(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    central.registration, central.interval_s = RegistrationStatus.pending, 86_400
    charger = await make_charger()
    await eventually(lambda: len(central.messages("BootNotification")) == 1)

    central.registration = RegistrationStatus.accepted
    await central.call(call.TriggerMessage(requested_message=MessageTrigger.boot_notification))

    await charger.wait_until(lambda: charger.accepted)


async def test_a_boot_that_fails_is_tried_again(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    central.failing_actions = {"BootNotification"}
    charger = await make_charger(options=ChargerOptions(heartbeat_interval_s=2))
    await eventually(lambda: len(central.messages("BootNotification")) >= 2)

    central.failing_actions = set()
    await charger.wait_until(lambda: charger.accepted)


async def test_it_sends_heartbeats_at_the_interval_of_the_answer(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    central.interval_s = 3
    charger = await make_charger()
    await eventually(lambda: len(central.messages("Heartbeat")) >= 2)

    assert charger.station.configuration.text("HeartbeatInterval") == "3"


async def test_after_a_lost_connection_it_comes_back_with_its_statuses_but_no_boot(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger()
    await eventually(lambda: central.statuses() == ["Available"])

    await charger.disconnect()

    await eventually(lambda: central.statuses() == ["Available", "Available"])
    assert len(central.messages("BootNotification")) == 1
    assert charger.connections == 2


async def test_some_chargers_boot_on_each_connection(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=ChargerOptions(boots_on_reconnect=True))
    await charger.wait_until(lambda: charger.accepted)

    await charger.disconnect()

    await eventually(lambda: len(central.messages("BootNotification")) == 2)


async def test_profiles_survive_a_lost_connection_unless_they_are_made_not_to(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger()
    await charger.wait_until(lambda: charger.accepted)
    assert await set_limit(central, 10) == "Accepted"
    await charger.disconnect()
    await charger.wait_until(lambda: charger.connections == 2)
    assert charger.limit_a == 10

    charger.faults = Faults(drop_profiles_on_reconnect=True)
    await charger.disconnect()
    await charger.wait_until(lambda: charger.connections == 3)

    assert charger.limit_a is None


async def test_a_server_that_is_not_there_is_tried_until_it_is(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    await central.stop()
    charger = await make_charger(options=ChargerOptions(reconnect_s=0.5))
    await charger.wait_until(lambda: charger.last_error is not None)
    assert not charger.connected

    await central.start()

    await charger.wait_until(lambda: charger.accepted)


@pytest.mark.parametrize("persist", [True, False])
async def test_a_reboot_drops_the_connection_and_boots_anew(
    central: CentralSystem, make_charger: MakeCharger, persist: bool
) -> None:
    charger = await make_charger(
        car=Car(), options=ChargerOptions(profiles_persist=persist, reboot_s=1)
    )
    await charger.wait_until(lambda: charger.transaction_id is not None)
    await set_limit(central, 10)
    first = charger.transaction_id

    answer = await central.call(call.Reset(type=ResetType.soft))

    assert answer.status == "Accepted"
    await eventually(lambda: len(central.messages("BootNotification")) == 2)
    await charger.wait_until(lambda: charger.transaction_id not in (None, first))
    (stop,) = central.messages("StopTransaction")
    assert (stop["transaction_id"], stop["reason"]) == (first, "SoftReset")
    assert charger.limit_a == (10 if persist else None)


async def test_a_hard_reset_is_the_reason_of_the_stop(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=Car(), options=ChargerOptions(reboot_s=1))
    await charger.wait_until(lambda: charger.transaction_id is not None)

    await central.call(call.Reset(type=ResetType.hard))

    await eventually(lambda: len(central.messages("StopTransaction")) == 1)
    assert central.messages("StopTransaction")[0]["reason"] == "HardReset"


async def test_the_record_of_frames_has_both_directions(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger()
    await charger.wait_until(lambda: charger.accepted)

    assert charger.frames[0].direction is Direction.SENT
    assert charger.frames[1].direction is Direction.RECEIVED
    assert len(wire_calls(charger, "BootNotification")) == 1


async def test_a_charger_can_be_switched_off_and_on_but_not_on_twice(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(car=Car())
    await charger.wait_until(lambda: charger.transaction_id is not None)
    with pytest.raises(RuntimeError, match="running"):
        await charger.start()

    await charger.stop()
    assert charger.currents_a == (0, 0, 0)
    await charger.start()

    await eventually(lambda: len(central.messages("StopTransaction")) == 1)
    assert central.messages("StopTransaction")[0]["reason"] == "PowerLoss"


async def test_waiting_for_what_does_not_happen_ends_in_a_timeout() -> None:
    charger = SimulatedCharger("CP", "ws://127.0.0.1:1", clock=Clock())
    await charger.stop()
    with pytest.raises(TimeoutError):
        await charger.wait_until(lambda: charger.connected, timeout=0.02)
    await charger.disconnect()
