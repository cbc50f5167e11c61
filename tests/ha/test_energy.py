"""The Energy dashboard takes the energy of a charger as it is."""

from typing import Any

import pytest
from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    get_start_time,
)

from custom_components.balanz.const import DOMAIN
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn
from tests.ha.test_entities import EAGER

ENERGY = "sensor.left_energy"


@pytest.fixture(autouse=True)
def balanz_is_found(
    recorder_mock: Any, enable_custom_integrations: None, socket_enabled: None
) -> str:
    """As for all tests, but the recorder has to be there before Home Assistant."""
    return DOMAIN


async def test_the_dashboard_has_no_fault_to_find_with_a_charger_as_a_device(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    assert await async_setup_component(hass, "sensor", {})
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await wait_until(lambda: state_of(hass, ENERGY) not in (None, "unknown", "unavailable"))
    await async_wait_recording_done(hass)
    do_adhoc_statistics(hass, start=get_start_time(dt_util.utcnow()))
    await async_wait_recording_done(hass)

    # Once with the charger there, and once without: what it has delivered stays known.
    manager: Any = await async_get_manager(hass)
    manager.data = {"energy_sources": [], "device_consumption": [{"stat_consumption": ENERGY}]}
    assert (await async_validate(hass)).as_dict()["device_consumption"] == [[]]

    await simulated.stop()
    await wait_until(lambda: state_of(hass, "binary_sensor.left_connected") == "off")
    assert (await async_validate(hass)).as_dict()["device_consumption"] == [[]]
