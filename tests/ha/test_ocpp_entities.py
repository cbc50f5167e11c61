"""What OCPP tells of a connector, and lets one ask of it, has its entity."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from simulator.car import Car
from tests.csms.client import RawCharger
from tests.ha.build import (
    NO_SENSORS,
    charger,
    group,
    set_up,
    site_entry,
    state_of,
    wait_until,
)
from tests.ha.conftest import DialIn

pytestmark = pytest.mark.usefixtures("all_entities_enabled")


@pytest.fixture
async def wired(hass: HomeAssistant, port: int) -> AsyncGenerator[RawCharger]:
    """A connected charger, the only one of its site."""
    await set_up(hass, site_entry(port, charger("CP-1")))
    raw = await RawCharger.dial(port, "CP-1")
    await raw.boot()
    await says(raw, "Available")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")
    yield raw
    await raw.close()


async def says(raw: RawCharger, status: str, error_code: str = "NoError") -> None:
    await raw.call(
        "StatusNotification", {"connectorId": 1, "status": status, "errorCode": error_code}
    )


async def press(hass: HomeAssistant, domain: str, action: str, entity_id: str) -> None:
    await hass.services.async_call(domain, action, {"entity_id": entity_id}, blocking=True)


async def test_a_fault_is_shown_with_its_cause(hass: HomeAssistant, wired: RawCharger) -> None:
    assert state_of(hass, "binary_sensor.left_fault") == "off"
    assert state_of(hass, "sensor.left_error") == "no_error"

    await says(wired, "Faulted", "GroundFailure")

    await wait_until(lambda: state_of(hass, "binary_sensor.left_fault") == "on")
    assert state_of(hass, "sensor.left_error") == "ground_failure"
    assert state_of(hass, "switch.left_in_service") == "unknown"


async def test_a_transaction_is_shown_while_it_runs_and_then_why_it_ended(
    hass: HomeAssistant, wired: RawCharger
) -> None:
    begun = {
        "connectorId": 1,
        "idTag": "TAG",
        "meterStart": 0,
        "timestamp": "2026-03-01T12:00:00Z",
    }
    started = await wired.call("StartTransaction", begun)
    transaction = started["transactionId"]
    await wait_until(lambda: state_of(hass, "sensor.left_transaction") == str(transaction))
    assert state_of(hass, "sensor.left_reason_for_the_last_stop") == "unknown"

    ended: dict[str, Any] = {
        "transactionId": transaction,
        "meterStop": 5,
        "timestamp": "2026-03-01T13:00:00Z",
        "reason": "EVDisconnected",
    }
    await wired.call("StopTransaction", ended)

    await wait_until(
        lambda: state_of(hass, "sensor.left_reason_for_the_last_stop") == "ev_disconnected"
    )
    assert state_of(hass, "sensor.left_transaction") == "unknown"


async def test_a_connector_is_asked_how_it_stands(hass: HomeAssistant, wired: RawCharger) -> None:
    wired.answers["TriggerMessage"] = {"status": "Accepted"}

    await press(hass, "button", "press", "button.left_ask_for_status")

    asked = {"requestedMessage": "StatusNotification", "connectorId": 1}
    assert asked in wired.received("TriggerMessage")


async def test_a_cable_is_let_go(hass: HomeAssistant, wired: RawCharger) -> None:
    wired.answers["UnlockConnector"] = {"status": "Unlocked"}

    await press(hass, "button", "press", "button.left_unlock_cable")

    assert wired.received("UnlockConnector") == [{"connectorId": 1}]


async def test_a_cable_that_is_not_let_go_is_told(hass: HomeAssistant, wired: RawCharger) -> None:
    wired.answers["UnlockConnector"] = {"status": "UnlockFailed"}

    with pytest.raises(HomeAssistantError) as error:
        await press(hass, "button", "press", "button.left_unlock_cable")

    assert error.value.translation_key == "charger_refused"


async def test_a_connector_is_taken_out_of_service_and_back(
    hass: HomeAssistant, wired: RawCharger
) -> None:
    wired.answers["ChangeAvailability"] = {"status": "Accepted"}
    assert state_of(hass, "switch.left_in_service") == "on"

    await press(hass, "switch", "turn_off", "switch.left_in_service")
    await says(wired, "Unavailable")
    await wait_until(lambda: state_of(hass, "switch.left_in_service") == "off")
    await press(hass, "switch", "turn_on", "switch.left_in_service")

    assert [call["type"] for call in wired.received("ChangeAvailability")] == [
        "Inoperative",
        "Operative",
    ]


async def test_a_running_session_may_end_before_a_connector_is_out_of_service(
    hass: HomeAssistant, wired: RawCharger
) -> None:
    wired.answers["ChangeAvailability"] = {"status": "Scheduled"}

    await press(hass, "switch", "turn_off", "switch.left_in_service")

    assert state_of(hass, "switch.left_in_service") == "on"


async def test_a_charger_that_stays_in_service_is_told_of(
    hass: HomeAssistant, wired: RawCharger
) -> None:
    wired.answers["ChangeAvailability"] = {"status": "Rejected"}

    with pytest.raises(HomeAssistantError) as error:
        await press(hass, "switch", "turn_off", "switch.left_in_service")

    assert error.value.translation_key == "charger_refused"


async def test_each_group_counts_the_cars_that_charge_in_it_and_below(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    garage = group("g1", supply={**NO_SENSORS, "other_loads_a": 0.0})
    await set_up(hass, site_entry(port, garage, charger("CP-1", group="g1"), charger("CP-2")))
    assert state_of(hass, "sensor.garage_cars_charging") == "0"

    inside, outside = await dial_in("CP-1"), await dial_in("CP-2")
    inside.plug_in(Car())
    outside.plug_in(Car())

    await wait_until(lambda: state_of(hass, "sensor.home_cars_charging") == "2", deadline_s=60)
    assert state_of(hass, "sensor.garage_cars_charging") == "1"
