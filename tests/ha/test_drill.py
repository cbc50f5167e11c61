"""Overload drills from the user's side: a button, an action, and what they leave to be read."""

import pytest
from homeassistant.components.button.const import DOMAIN as BUTTON
from homeassistant.components.button.const import SERVICE_PRESS
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.devices import device_id
from custom_components.balanz.services import RUN_OVERLOAD_DRILL
from custom_components.balanz.site import drill
from simulator.car import Car
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

EAGER = Car(name="eager", start_lag_s=0.0, reaction_lag_s=0.0)


def device_of(hass: HomeAssistant, unique_id: str) -> str:
    return device_id(hass, "home", unique_id)


async def charging(hass: HomeAssistant, port: int, dial_in: DialIn) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await wait_until(lambda: state_of(hass, "sensor.left_accepted_limit") == "16.0", deadline_s=40)


async def test_a_drill_answers_and_is_shown_afterwards(
    hass: HomeAssistant, port: int, dial_in: DialIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "DRILL_S", 2.0)
    await charging(hass, port, dial_in)

    answer = await hass.services.async_call(
        DOMAIN,
        RUN_OVERLOAD_DRILL,
        {ATTR_DEVICE_ID: device_of(hass, "home_root")},
        blocking=True,
        return_response=True,
    )
    await hass.async_block_till_done()

    assert answer is not None
    shown = hass.states.get("sensor.home_last_overload_drill")
    assert shown is not None
    assert shown.state == answer["at"]
    assert shown.attributes["capacity"] == 13.0
    assert shown.attributes["chargers"] == answer["chargers"]
    left = shown.attributes["chargers"][0]
    assert (left["name"], left["limit_before"], left["limit"]) == ("Left", 16.0, 8.0)


async def test_a_drill_where_nothing_charges_is_refused(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))

    with pytest.raises(ServiceValidationError, match="No car is charging there"):
        await hass.services.async_call(
            BUTTON, SERVICE_PRESS, {ATTR_ENTITY_ID: "button.home_overload_drill"}, blocking=True
        )


async def test_a_drill_begins_at_the_press_of_a_button_and_runs_alone(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await charging(hass, port, dial_in)

    await hass.services.async_call(
        BUTTON, SERVICE_PRESS, {ATTR_ENTITY_ID: "button.home_overload_drill"}, blocking=True
    )

    await wait_until(lambda: state_of(hass, "sensor.left_accepted_limit") == "8.0")
    with pytest.raises(ServiceValidationError, match="running already"):
        await hass.services.async_call(
            DOMAIN,
            RUN_OVERLOAD_DRILL,
            {ATTR_DEVICE_ID: device_of(hass, "home_root")},
            blocking=True,
        )


async def test_a_drill_that_the_end_of_the_site_cuts_short_is_an_error(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await charging(hass, port, dial_in)
    entry = hass.config_entries.async_entries(DOMAIN)[0]
    drilling = hass.async_create_task(
        hass.services.async_call(
            DOMAIN,
            RUN_OVERLOAD_DRILL,
            {ATTR_DEVICE_ID: device_of(hass, "home_root")},
            blocking=True,
        )
    )
    await wait_until(lambda: state_of(hass, "sensor.left_accepted_limit") == "8.0")

    await hass.config_entries.async_unload(entry.entry_id)

    with pytest.raises(HomeAssistantError, match="without a result"):
        await drilling


async def test_only_sites_and_groups_have_drills(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))

    for other in (device_of(hass, "home_charger_CP-1"), "no such device"):
        with pytest.raises(ServiceValidationError, match="neither a site nor a group"):
            await hass.services.async_call(
                DOMAIN, RUN_OVERLOAD_DRILL, {ATTR_DEVICE_ID: other}, blocking=True
            )
