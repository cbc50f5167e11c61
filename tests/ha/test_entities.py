"""Devices and entities show the site, and steer it."""

import re
from datetime import timedelta

import pytest
from homeassistant.components.button.const import SERVICE_PRESS
from homeassistant.components.datetime.const import ATTR_DATETIME
from homeassistant.components.number.const import ATTR_VALUE, SERVICE_SET_VALUE
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_TURN_OFF, SERVICE_TURN_ON, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from syrupy.assertion import SnapshotAssertion

from custom_components.balanz.balancing.meter_watch import UNSEEN_STEP_A
from custom_components.balanz.const import DOMAIN
from simulator.car import Car
from tests.ha.build import (
    CURRENT_SENSORS,
    charger,
    group,
    set_up,
    site_entry,
    state_of,
    wait_until,
)
from tests.ha.conftest import DialIn

EAGER = Car(name="eager", start_lag_s=0.0, reaction_lag_s=0.0)


async def call(
    hass: HomeAssistant, domain: str, service: str, entity_id: str, **data: float | str
) -> None:
    await hass.services.async_call(
        domain, service, {ATTR_ENTITY_ID: entity_id, **data}, blocking=True
    )


def meter(hass: HomeAssistant, current_a: float) -> None:
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.grid_{line}", str(current_a), {"unit_of_measurement": "A"})


@pytest.mark.usefixtures("all_entities_enabled")
async def test_each_device_has_the_entities_that_it_should(
    hass: HomeAssistant,
    port: int,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    meter(hass, 4.0)
    entry = site_entry(
        port,
        group("garage"),
        charger("CP-1", group="garage"),
        charger("CP-2", name="Right", phases="1", phase_map="l2"),
        supply=CURRENT_SENSORS,
    )
    await set_up(hass, entry)

    shown = {
        one.entity_id: {
            "unique_id": one.unique_id,
            "category": one.entity_category,
            "device_class": one.original_device_class,
            "name": one.original_name,
            "unit": one.unit_of_measurement,
            "state": state_of(hass, one.entity_id),
        }
        for one in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    }
    assert shown == snapshot


async def test_what_few_need_is_disabled_at_first(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)

    disabled = {
        one.entity_id
        for one in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if one.disabled
    }
    assert disabled == {
        f"sensor.home_{key}_l{line}"
        for key in ("available", "allocated", "booked", "headroom")
        for line in (1, 2, 3)
    } | {
        "button.left_ask_for_status",
        "button.left_start_charging",
        "button.left_stop_charging",
        "button.left_unlock_cable",
        "sensor.left_error",
        "sensor.left_reason_for_the_last_stop",
        "sensor.left_transaction",
        "switch.left_in_service",
        "sensor.left_connected_since",
        "sensor.left_connections",
        "sensor.left_last_message",
    }


async def test_groups_and_chargers_are_devices_in_a_tree(
    hass: HomeAssistant, port: int, device_registry: dr.DeviceRegistry
) -> None:
    entry = site_entry(
        port,
        group("corner", name="Corner", parent="garage"),
        group("garage"),
        charger("CP-1", group="corner"),
    )
    await set_up(hass, entry)

    names = {device.id: device.name for device in device_registry.devices}
    above = {
        device.name: names.get(device.via_device_id or "") for device in device_registry.devices
    }
    assert above == {"Home": None, "Garage": "Home", "Corner": "Garage", "Left": "Corner"}


async def test_a_charger_that_is_offline_shows_only_what_is_still_known(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))

    assert state_of(hass, "binary_sensor.left_connected") == "off"
    assert state_of(hass, "sensor.left_status") == "unavailable"
    assert state_of(hass, "sensor.left_power") == "unavailable"
    assert state_of(hass, "button.left_restart") == "unavailable"
    assert state_of(hass, "sensor.left_booked") == "16.0"
    assert state_of(hass, "sensor.left_reason") == "not_connected"
    assert state_of(hass, "switch.left_charging_allowed") == "on"
    assert state_of(hass, "number.left_maximum_current") == "16.0"


async def test_a_car_that_charges_is_shown(hass: HomeAssistant, port: int, dial_in: DialIn) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await wait_until(lambda: state_of(hass, "sensor.left_current_l1") == "16.0", deadline_s=40)

    assert state_of(hass, "binary_sensor.left_connected") == "on"
    assert state_of(hass, "binary_sensor.left_plugged") == "on"
    assert state_of(hass, "binary_sensor.left_charging") == "on"
    assert state_of(hass, "sensor.left_status") == "charging"
    assert state_of(hass, "sensor.left_limit") == "16.0"
    assert state_of(hass, "sensor.left_accepted_limit") == "16.0"
    assert state_of(hass, "sensor.left_power") == "11040.0"
    assert state_of(hass, "sensor.left_reason") == "maximum"


async def test_a_charger_that_goes_offline_is_unavailable_at_once(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", reconnect_s=60.0)
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")
    await simulated.stop()

    await wait_until(lambda: state_of(hass, "sensor.left_status") == "unavailable")
    assert state_of(hass, "sensor.left_power") == "unavailable"


async def test_an_automation_changes_what_a_car_draws_by_the_capacity(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await simulated.wait_until(lambda: simulated.limit_a == 16.0, timeout=40)

    # 5 A are kept for other loads.
    await call(hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.home_capacity", **{ATTR_VALUE: 15})
    await simulated.wait_until(lambda: simulated.limit_a == 10.0)

    assert state_of(hass, "number.home_capacity") == "15.0"
    await wait_until(lambda: state_of(hass, "sensor.left_reason") == "shared")
    reason = hass.states.get("sensor.left_reason")
    assert reason is not None
    assert reason.attributes["group"] == "Home"


async def test_a_car_that_waits_for_a_past_peak_says_how_much_and_until_when(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    meter(hass, 30.0)
    await set_up(hass, site_entry(port, charger("CP-1"), supply=CURRENT_SENSORS))
    await wait_until(lambda: state_of(hass, "sensor.home_meter") == "fresh")
    meter(hass, 2.0)
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await wait_until(lambda: state_of(hass, "sensor.left_reason") == "past_peak", deadline_s=40)

    reason = hass.states.get("sensor.left_reason")
    assert reason is not None
    assert reason.attributes["other_loads"] == 30.0
    assert reason.attributes["explanation"] == "past_peak"
    assert reason.attributes["until"].startswith("20")


async def test_a_capacity_above_the_rating_is_refused(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port))

    with pytest.raises(ServiceValidationError):
        await call(
            hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.home_capacity", **{ATTR_VALUE: 33}
        )

    assert state_of(hass, "number.home_capacity") == "32.0"


async def test_a_capacity_that_the_site_refuses_is_an_error_of_the_user(
    hass: HomeAssistant, port: int
) -> None:
    # Home Assistant checks the range of a number itself, but the rating may just have changed.
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    numbers = hass.data["entity_components"][Platform.NUMBER]
    for entity_id in ("number.home_capacity", "number.left_maximum_current"):
        with pytest.raises(ServiceValidationError, match="not between 0 A and the rating"):
            await numbers.get_entity(entity_id).async_set_native_value(99.0)


async def test_capacity_maximum_and_switch_outlive_a_restart(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await call(
        hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.home_capacity", **{ATTR_VALUE: 20.5}
    )
    await call(
        hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.left_maximum_current", **{ATTR_VALUE: 10}
    )
    await call(hass, Platform.SWITCH, SERVICE_TURN_OFF, "switch.left_charging_allowed")

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, "number.home_capacity") == "20.5"
    assert state_of(hass, "number.left_maximum_current") == "10.0"
    assert state_of(hass, "switch.left_charging_allowed") == "off"


async def test_charging_that_was_switched_off_can_be_switched_on(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    await call(hass, Platform.SWITCH, SERVICE_TURN_OFF, "switch.left_charging_allowed")
    await call(hass, Platform.SWITCH, SERVICE_TURN_ON, "switch.left_charging_allowed")

    await wait_until(lambda: state_of(hass, "switch.left_charging_allowed") == "on")


async def test_smart_charging_is_switched_for_a_group_and_outlives_a_restart(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("garage"), charger("CP-1", group="subentry-garage"))
    await set_up(hass, entry)
    await call(hass, Platform.SWITCH, SERVICE_TURN_OFF, "switch.garage_smart_charging")

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, "switch.garage_smart_charging") == "off"
    assert state_of(hass, "switch.home_smart_charging") == "on"
    await call(hass, Platform.SWITCH, SERVICE_TURN_ON, "switch.garage_smart_charging")
    await wait_until(lambda: state_of(hass, "switch.garage_smart_charging") == "on")


async def test_what_is_planned_for_a_car_is_set_shown_and_cleared(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    leaves_at = dt_util.utcnow().replace(microsecond=0) + timedelta(hours=8)
    await call(
        hass,
        Platform.DATETIME,
        "set_value",
        "datetime.left_departure",
        **{ATTR_DATETIME: leaves_at.isoformat()},
    )
    await call(
        hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.left_energy_target", **{ATTR_VALUE: 22.5}
    )
    await call(hass, Platform.SWITCH, SERVICE_TURN_ON, "switch.left_boost")
    await wait_until(lambda: state_of(hass, "switch.left_boost") == "on")
    await wait_until(lambda: state_of(hass, "number.left_energy_target") == "22.5")
    assert state_of(hass, "datetime.left_departure") == leaves_at.isoformat()
    boost = hass.states.get("switch.left_boost")
    assert boost is not None
    assert dt_util.parse_datetime(boost.attributes["until"], raise_on_error=True) > dt_util.utcnow()

    await call(hass, Platform.SWITCH, SERVICE_TURN_OFF, "switch.left_boost")
    await wait_until(lambda: state_of(hass, "switch.left_boost") == "off")
    await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_clear_plan")
    await wait_until(lambda: state_of(hass, "datetime.left_departure") == "unknown")
    assert state_of(hass, "number.left_energy_target") == "0.0"


async def test_a_boost_lasts_as_long_as_its_number_says_whoever_starts_it(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    assert state_of(hass, "number.left_boost_duration") == "60.0"
    await call(
        hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.left_boost_duration", **{ATTR_VALUE: 20}
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "number.left_boost_duration") == "20.0"

    for domain, service, entity_id in (
        (Platform.BUTTON, SERVICE_PRESS, "button.left_start_boost"),
        (Platform.SWITCH, SERVICE_TURN_ON, "switch.left_boost"),
        (DOMAIN, "boost", "switch.left_boost"),
    ):
        await call(hass, Platform.SWITCH, SERVICE_TURN_OFF, "switch.left_boost")
        await call(hass, domain, service, entity_id)
        boost = hass.states.get("switch.left_boost")
        assert boost is not None
        until = dt_util.parse_datetime(boost.attributes["until"], raise_on_error=True)
        lasts = until - dt_util.utcnow()
        assert timedelta(minutes=19) < lasts <= timedelta(minutes=20, seconds=1)


async def test_a_departure_in_the_past_is_refused(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    with pytest.raises(ServiceValidationError, match="That time has passed"):
        await call(
            hass,
            Platform.DATETIME,
            "set_value",
            "datetime.left_departure",
            **{ATTR_DATETIME: "2020-01-01T08:00:00+00:00"},
        )
    assert state_of(hass, "datetime.left_departure") == "unknown"


async def test_what_cannot_be_recorded_is_refused(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    await call(hass, Platform.SWITCH, SERVICE_TURN_OFF, "switch.left_charging_allowed")
    await call(hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.home_capacity", **{ATTR_VALUE: 10})

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(HomeAssistantError, match=re.escape("cannot be recorded")):
        await call(hass, Platform.SWITCH, SERVICE_TURN_ON, "switch.left_charging_allowed")
    with pytest.raises(HomeAssistantError, match=re.escape("cannot be recorded")):
        await call(
            hass, Platform.NUMBER, SERVICE_SET_VALUE, "number.home_capacity", **{ATTR_VALUE: 32}
        )

    await wait_until(lambda: state_of(hass, "number.home_capacity") == "10.0")
    assert state_of(hass, "switch.left_charging_allowed") == "off"


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_charger_restarts_at_the_press_of_a_button(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", reboot_s=0.1)
    await wait_until(lambda: state_of(hass, "button.left_restart") == "unknown")
    await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_restart")

    await simulated.wait_until(lambda: simulated.connections == 2)


async def test_what_a_charger_does_on_its_own_is_proven_at_the_press_of_a_button(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    assert state_of(hass, "button.left_prove_fallback") == "unavailable"
    assert state_of(hass, "sensor.left_fallback_proof") == "not_tried"
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")

    await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_prove_fallback")

    await wait_until(lambda: state_of(hass, "sensor.left_fallback_proof") == "running")
    with pytest.raises(HomeAssistantError, match="is being proven already"):
        await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_prove_fallback")

    entry.runtime_data.site.cancel_proof("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_fallback_proof") != "running")
    shown = hass.states.get("sensor.left_fallback_proof")
    assert shown is not None
    assert shown.attributes["step"] is None
    assert shown.attributes["failed_step"] in {"takes_lease", "lapses"}


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_session_is_started_and_stopped_by_buttons(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", charges_freely=False)
    simulated.plug_in(EAGER)
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "preparing")
    await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_start_charging")
    await simulated.wait_until(lambda: simulated.transaction_id is not None)

    await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_stop_charging")

    await simulated.wait_until(lambda: simulated.transaction_id is None)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_charger_that_refuses_is_an_error_with_its_name(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")

    with pytest.raises(HomeAssistantError, match="CP-1 did not do it"):
        await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.left_stop_charging")


async def test_pairing_is_opened_by_a_button(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    entry.runtime_data.site.close_pairing()

    await call(hass, Platform.BUTTON, SERVICE_PRESS, "button.home_open_pairing")

    assert entry.runtime_data.snapshot.pairing_until is not None


async def test_a_refused_charger_is_counted_and_named(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    entry.runtime_data.site.close_pairing()
    await dial_in("STRANGER")

    await wait_until(lambda: state_of(hass, "sensor.home_refused_chargers") == "1")
    state = hass.states.get("sensor.home_refused_chargers")
    assert state is not None
    assert state.attributes["identities"] == ["STRANGER"]


async def test_readings_of_the_grid_are_shown(hass: HomeAssistant, port: int) -> None:
    meter(hass, 4.0)
    await set_up(hass, site_entry(port, supply=CURRENT_SENSORS))

    await wait_until(lambda: state_of(hass, "sensor.home_measured") == "4.0")
    # The capacity of 32 A less the base load and 1 A of margin.
    assert state_of(hass, "sensor.home_available") == "27.0"


async def test_a_charger_with_two_connectors_has_a_device_for_each(
    hass: HomeAssistant, port: int, device_registry: dr.DeviceRegistry
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1", connectors=2)))

    parent = device_registry.async_get_device_by_identifier((DOMAIN, "home_charger_CP-1"), "home")
    assert parent is not None
    children = dr.async_entries_for_parent_device(device_registry, parent.id)
    assert [child.name for child in children] == ["Connector 1", "Connector 2"]
    assert state_of(hass, "sensor.left_connector_2_reason") == "not_connected"


async def test_what_is_missing_without_home_assistant_is_told(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1"), charger("CP-2", name="Right")))

    shown = hass.states.get("binary_sensor.home_safe_without_home_assistant")

    # Two chargers of 16 A and other loads of 5 A behind a fuse of 32 A, and nothing proven.
    assert shown is not None
    assert shown.state == "off"
    assert shown.attributes["worst_group"] == "Home"
    assert shown.attributes["missing_current"] == 5.0
    assert shown.attributes["unproven_chargers"] == ["Left", "Right"]
    assert shown.attributes["unproven_count"] == 2


async def test_a_single_small_charger_is_safe_without_home_assistant(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))

    shown = hass.states.get("binary_sensor.home_safe_without_home_assistant")

    assert shown is not None
    assert shown.state == "on"
    assert "missing_current" not in shown.attributes


async def test_a_meter_whose_sensors_say_nothing_shows_what_is_assumed_meanwhile(
    hass: HomeAssistant, port: int
) -> None:
    meter(hass, 4.0)
    await set_up(hass, site_entry(port, supply=CURRENT_SENSORS))
    await wait_until(lambda: state_of(hass, "sensor.home_meter") == "fresh")
    hass.states.async_set("sensor.grid_l2", "unavailable")
    await wait_until(lambda: state_of(hass, "sensor.home_meter") == "ageing")

    shown = hass.states.get("sensor.home_meter")
    assert shown is not None
    assert shown.attributes["assumed_base_load"] == 4.0 + UNSEEN_STEP_A
    assert shown.attributes["since"].startswith("20")
    assert state_of(hass, "sensor.home_available") == "unknown"

    meter(hass, 5.0)
    await wait_until(lambda: state_of(hass, "sensor.home_meter") == "fresh")
    shown = hass.states.get("sensor.home_meter")
    assert shown is not None
    assert shown.attributes["assumed_base_load"] is None
