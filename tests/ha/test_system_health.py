"""System health tells in a few figures whether everything is all right."""

import json
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.balanz import system_health
from custom_components.balanz.const import DOMAIN
from tests.ha.build import charger, set_up, site_entry, wait_until
from tests.ha.conftest import DialIn


async def test_the_figures_are_over_all_sites(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    assert await async_setup_component(hass, "system_health", {})
    entry = site_entry(port, charger("CP-1"), charger("CP-2", name="Right"), rating_a=20.0)
    await set_up(hass, entry)
    await dial_in("CP-1")
    await wait_until(lambda: entry.runtime_data.snapshot.chargers["CP-1"].connected)

    assert await get_system_health_info(hass, DOMAIN) == {
        "sites_running": "1 / 1",
        "chargers_connected": "1 / 2",
        "cars_charging": 0,
        "groups_within_limit": False,
        "problems": 0,
    }


async def test_a_site_that_does_not_run_is_told(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)

    assert (await system_health.async_system_health_info(hass))["sites_running"] == "0 / 1"


async def test_each_figure_has_its_name(hass: HomeAssistant) -> None:
    path = Path(system_health.__file__).parent / "translations/en.json"
    names = json.loads(path.read_text())["system_health"]["info"]

    assert set(await system_health.async_system_health_info(hass)) == set(names)
