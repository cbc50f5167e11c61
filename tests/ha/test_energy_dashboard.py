"""Whoever has set up the Energy dashboard has told already what measures the grid connection."""

from typing import Any

import pytest
from homeassistant.components.energy.data import async_get_manager
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.balancing.phases import ALL_PHASES
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.flows.energy_dashboard import KnownSupply, async_known_supply
from custom_components.balanz.supply import SupplyKind
from tests.ha.build import set_up, site_entry

GRID: dict[str, Any] = {
    "type": "grid",
    "stat_energy_from": "sensor.p1_energy_import",
    "stat_energy_to": None,
    "cost_adjustment_day": 0,
}


async def dashboard(hass: HomeAssistant, *sources: dict[str, Any]) -> None:
    """Set up the dashboard as a user would."""
    hass.config.components.add("energy")
    manager: Any = await async_get_manager(hass)
    manager.data = {"energy_sources": list(sources), "device_consumption": []}


def meter(hass: HomeAssistant, *sensors: tuple[str, str]) -> None:
    """Add a device with an energy sensor, and with others by their names and device classes."""
    owner = MockConfigEntry(domain="p1", entry_id="p1")
    owner.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id="p1", identifiers={("p1", "meter")}
    )
    for name, device_class in (("energy_import", "energy"), *sensors):
        entry = er.async_get(hass).async_get_or_create(
            "sensor",
            "p1",
            name,
            config_entry=owner,
            device_id=device.id,
            suggested_object_id=f"p1_{name}",
            original_device_class=device_class,
        )
        unit = {"current": "A", "power": "W"}.get(device_class, "kWh")
        hass.states.async_set(entry.entity_id, "1", {"unit_of_measurement": unit})


def by_phase(device_class: str, pattern: str) -> tuple[tuple[str, str], ...]:
    return tuple((pattern.format(number), device_class) for number in (1, 2, 3))


async def known(hass: HomeAssistant, *, phases: int = 3) -> KnownSupply | None:
    return await async_known_supply(hass, ALL_PHASES[:phases])


async def test_without_a_dashboard_nothing_is_known(hass: HomeAssistant) -> None:
    assert await known(hass) is None


async def test_a_dashboard_without_a_grid_knows_nothing(hass: HomeAssistant) -> None:
    await dashboard(hass)
    assert await known(hass) is None

    (await async_get_manager(hass)).data = None
    assert await known(hass) is None


async def test_of_two_grid_connections_nobody_knows_which_is_meant(hass: HomeAssistant) -> None:
    meter(hass, *by_phase("current", "current_l{}"))
    await dashboard(hass, GRID, GRID)

    assert await known(hass) is None


@pytest.mark.parametrize("pattern", ["current_l{}", "current_phase_{}", "phase_{}_amps"])
async def test_current_sensors_of_the_meters_device_come_first(
    hass: HomeAssistant, pattern: str
) -> None:
    meter(hass, *by_phase("power", "power_l{}"), *by_phase("current", pattern))
    await dashboard(hass, GRID)

    found = await known(hass)

    assert found is not None
    assert found.kind == "current"
    assert found.suggested == {
        f"l{number}": f"sensor.p1_{pattern.format(number)}" for number in (1, 2, 3)
    }


async def test_where_power_is_exported_power_sensors_come_first(hass: HomeAssistant) -> None:
    """Few current sensors have a sign."""
    meter(hass, *by_phase("current", "current_l{}"), *by_phase("power", "power_l{}"))
    await dashboard(hass, {**GRID, "stat_energy_to": "sensor.p1_energy_export"})

    found = await known(hass)

    assert found is not None
    assert found.kind == "power"


async def test_import_and_export_may_be_apart(hass: HomeAssistant) -> None:
    meter(
        hass,
        *by_phase("power", "power_consumption_phase_l{}"),
        *by_phase("power", "power_production_phase_l{}"),
    )
    await dashboard(hass, GRID)

    found = await known(hass)

    assert found is not None
    assert found.kind == "import_export"
    assert found.suggested["import_l2"] == "sensor.p1_power_consumption_phase_l2"
    assert found.suggested["export_l2"] == "sensor.p1_power_production_phase_l2"


async def test_a_sensor_whose_name_tells_no_phase_is_passed_over(hass: HomeAssistant) -> None:
    meter(hass, ("current", "current"), *by_phase("current", "current_l{}"))
    await dashboard(hass, GRID)

    found = await known(hass)

    assert found is not None
    assert set(found.suggested) == {"l1", "l2", "l3"}


async def test_sensors_in_doubt_are_left_out(hass: HomeAssistant) -> None:
    meter(
        hass,
        *by_phase("current", "current_l{}"),
        ("current_maximum_l1", "current"),
        ("current", "current"),
    )
    await dashboard(hass, GRID)

    assert await known(hass) is None


@pytest.mark.parametrize(
    ("rate", "direction"),
    [
        ({"stat_rate": "sensor.grid"}, "import_positive"),
        ({"power_config": {"stat_rate": "sensor.grid"}}, "import_positive"),
        (
            {"power_config": {"stat_rate_inverted": "sensor.grid"}, "stat_rate": "sensor.made"},
            "export_positive",
        ),
    ],
)
async def test_the_power_of_all_phases_is_taken_where_nothing_tells_them_apart(
    hass: HomeAssistant, rate: dict[str, Any], direction: str
) -> None:
    hass.states.async_set("sensor.grid", "1", {"unit_of_measurement": "W"})
    await dashboard(hass, {**GRID, **rate})

    assert await known(hass) == KnownSupply(
        kind=SupplyKind.TOTAL,
        suggested={"total": "sensor.grid", "direction": direction},
    )
    single = await known(hass, phases=1)
    assert single is not None
    assert (single.kind, single.suggested["l1"]) == ("power", "sensor.grid")


async def test_a_sensor_that_is_gone_is_not_suggested(hass: HomeAssistant) -> None:
    await dashboard(hass, {**GRID, "stat_rate": "sensor.gone"})

    assert await known(hass) is None


async def test_the_form_starts_with_the_sensors_of_the_dashboard(
    hass: HomeAssistant, port: int
) -> None:
    meter(hass, *by_phase("current", "current_l{}"))
    await dashboard(hass, GRID)
    flows: Any = hass.config_entries.flow
    form: Any = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    site = {"name": "Home", "host": "127.0.0.1", "port": port, "rating_a": 25, "phases": "3"}
    menu = await flows.async_configure(form["flow_id"], site)
    assert menu["menu_options"][0] == "supply_dashboard"

    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "supply_dashboard"})

    assert form["step_id"] == "supply_current"
    suggested = {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description
    }
    assert suggested == {f"l{number}": f"sensor.p1_current_l{number}" for number in (1, 2, 3)}
    result = await flows.async_configure(
        form["flow_id"], {**suggested, "direction": "import_positive", "advanced": {}}
    )
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_what_was_chosen_before_is_not_overruled(hass: HomeAssistant, port: int) -> None:
    meter(hass, *by_phase("current", "current_l{}"))
    await dashboard(hass, GRID)
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await entry.start_reconfigure_flow(hass)
    site = {"name": "Home", "host": "127.0.0.1", "port": port, "rating_a": 25, "phases": "3"}

    menu: Any = await hass.config_entries.flow.async_configure(form["flow_id"], site)

    assert menu["menu_options"][:2] == ["supply_keep", "supply_dashboard"]
