"""The example automations of the docs, read out of their page and run at a real site."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import label_registry as lr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.balanz.devices import device_id
from simulator.car import Car
from simulator.charger import SimulatedCharger
from tests.ha.build import CURRENT_SENSORS, charger, group, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

PAGE = (Path(__file__).parents[2] / "docs/automations.md").read_text(encoding="utf-8")
SNIPPETS: list[dict[str, Any]] = [
    parse_yaml(found)  # type: ignore[misc]
    for found in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
]
EXAMPLES = {found["id"]: found for found in SNIPPETS if "id" in found}

EAGER = Car(name="eager", start_lag_s=0.0, reaction_lag_s=0.0)
NOTHING_ELSE = {"kind": "none", "other_loads_a": 0.0, "feeds_chargers_only": True}
SHARING = {"policy": "fair", "surplus": "ignore", "power_factor": 1.0}


async def automate(hass: HomeAssistant, example: str) -> None:
    """Load an example as it stands on the page."""
    assert await async_setup_component(hass, "automation", {"automation": [EXAMPLES[example]]})
    await hass.async_block_till_done()
    [state] = hass.states.async_all("automation")
    assert state.state == "on"


def capacity(hass: HomeAssistant, name: str) -> dict[str, Any]:
    state = hass.states.get(f"number.{name}_capacity")
    assert state is not None
    return dict(state.attributes)


def lasts(until: str) -> timedelta:
    minutes = round((datetime.fromisoformat(until) - dt_util.utcnow()).total_seconds() / 60)
    return timedelta(minutes=minutes)


@pytest.fixture
async def home(hass: HomeAssistant, port: int) -> MockConfigEntry:
    """The site of the page: a group Garage with the charger Left."""
    entry = site_entry(
        port,
        group("garage", supply=NOTHING_ELSE),
        charger("CP-1", group="garage"),
        supply=NOTHING_ELSE,
        advanced=SHARING,
        options={"tags": {"unknown": "refuse"}},
    )
    await set_up(hass, entry)
    return entry


@pytest.fixture
async def charging(hass: HomeAssistant, home: MockConfigEntry, dial_in: DialIn) -> SimulatedCharger:
    """Its charger, with a car that has all that it can take."""
    await tag_of_car(hass)
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await reaches(simulated, 16.0)
    return simulated


async def tag_of_car(hass: HomeAssistant) -> None:
    await hass.services.async_call("balanz", "set_tag", {"id": "SIMULATED"}, blocking=True)


async def reaches(simulated: SimulatedCharger, limit_a: float) -> None:
    await simulated.wait_until(lambda: simulated.limit_a == limit_a, timeout=40)


def test_the_page_has_these_examples_and_no_other() -> None:
    assert set(EXAMPLES) == {
        "oven",
        "night_tariff",
        "guest_mode",
        "solar_only",
        "refused_tag",
        "grid_relay",
    }


async def test_the_garage_has_less_while_the_oven_is_on(
    hass: HomeAssistant, charging: SimulatedCharger
) -> None:
    hass.states.async_set("binary_sensor.oven", "off")
    await automate(hass, "oven")

    hass.states.async_set("binary_sensor.oven", "on")
    await reaches(charging, 10.0)
    assert lasts(capacity(hass, "garage")["until"]) == timedelta(hours=3)

    # Nobody knows whether it is still on.
    hass.states.async_set("binary_sensor.oven", "unavailable")
    await hass.async_block_till_done()
    assert capacity(hass, "garage")["now"] == 10.0

    hass.states.async_set("binary_sensor.oven", "off")
    await reaches(charging, 16.0)


async def test_the_garage_has_more_at_night(hass: HomeAssistant, home: MockConfigEntry) -> None:
    low = {"entity_id": "number.garage_capacity", "value": 8}
    await hass.services.async_call("number", "set_value", low, blocking=True)
    await automate(hass, "night_tariff")
    assert capacity(hass, "garage")["now"] == 8.0

    night = dt_util.now().replace(hour=23, minute=0, second=0, microsecond=0)
    if night <= dt_util.now():
        night += timedelta(days=1)
    async_fire_time_changed(hass, night, fire_all=True)
    await wait_until(lambda: capacity(hass, "garage")["now"] == 20.0)
    assert lasts(capacity(hass, "garage")["until"]) == timedelta(hours=7)
    assert state_of(hass, "number.garage_capacity") == "8.0"

    # Tests leave no timers.
    everything = {"entity_id": "all"}
    await hass.services.async_call("automation", "turn_off", everything, blocking=True)


async def test_guests_charge_a_little_and_only_while_they_are_here(
    hass: HomeAssistant, charging: SimulatedCharger
) -> None:
    label = lr.async_get(hass).async_create("guests").label_id
    left = device_id(hass, "home", "home_charger_CP-1")
    dr.async_get(hass).async_update_device(left, labels={label})
    hass.states.async_set("input_boolean.guests", "on")
    await automate(hass, "guest_mode")

    hass.states.async_set("input_boolean.guests", "off")
    await reaches(charging, 0.0)
    assert state_of(hass, "switch.left_paused") == "on"

    hass.states.async_set("input_boolean.guests", "on")
    await reaches(charging, 8.0)
    await wait_until(lambda: state_of(hass, "sensor.left_reason") == "limit_set")


async def test_chargers_keep_to_the_sun_while_they_are_told_to(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    def export(current_a: float) -> None:
        for line in ("l1", "l2", "l3"):
            unit = {"unit_of_measurement": "A"}
            hass.states.async_set(f"sensor.grid_{line}", str(current_a), unit, force_update=True)

    export(2.0)
    await set_up(hass, site_entry(port, charger("CP-1"), supply=CURRENT_SENSORS))
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await reaches(simulated, 16.0)
    hass.states.async_set("input_boolean.solar_only", "off")
    await automate(hass, "solar_only")

    hass.states.async_set("input_boolean.solar_only", "on")
    await wait_until(lambda: state_of(hass, "sensor.left_reason") == "surplus")

    hass.states.async_set("input_boolean.solar_only", "off")
    await wait_until(lambda: state_of(hass, "sensor.left_reason") == "maximum", deadline_s=40)


async def test_somebody_is_told_of_a_refused_tag(
    hass: HomeAssistant, home: MockConfigEntry, dial_in: DialIn
) -> None:
    told = async_mock_service(hass, "notify", "mobile_app_phone")
    await automate(hass, "refused_tag")

    simulated = await dial_in("CP-1", id_tag="STRANGER")
    simulated.plug_in(EAGER)
    await wait_until(lambda: len(told) == 1)
    assert told[0].data["message"] == "STRANGER at Left"


async def test_the_site_is_cut_on_the_grid_operators_relay(
    hass: HomeAssistant, charging: SimulatedCharger
) -> None:
    hass.states.async_set("binary_sensor.grid_relay", "off")
    await automate(hass, "grid_relay")

    hass.states.async_set("binary_sensor.grid_relay", "on")
    await reaches(charging, 6.0)
    assert capacity(hass, "home")["override_power"] == 4200

    hass.states.async_set("binary_sensor.grid_relay", "unavailable")
    await hass.async_block_till_done()
    assert capacity(hass, "home")["override_power"] == 4200

    hass.states.async_set("binary_sensor.grid_relay", "off")
    await reaches(charging, 16.0)


async def test_a_relay_that_closed_while_home_assistant_was_off_cuts_at_its_start(
    hass: HomeAssistant, charging: SimulatedCharger
) -> None:
    hass.states.async_set("binary_sensor.grid_relay", "on")
    hass.set_state(CoreState.starting)
    assert await async_setup_component(hass, "automation", {"automation": [EXAMPLES["grid_relay"]]})
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await reaches(charging, 6.0)
