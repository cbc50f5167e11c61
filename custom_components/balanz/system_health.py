"""System health: whether sites run, how many of their chargers are there, and what is wrong."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import BalanzConfigEntry


@callback
def async_register(_hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Say who tells how balanz is."""
    register.async_register_info(async_system_health_info)


async def async_system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return figures over all sites."""
    entries: list[BalanzConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    running = [entry for entry in entries if entry.state is ConfigEntryState.LOADED]
    snapshots = [entry.runtime_data.snapshot for entry in running]
    chargers = [one for snapshot in snapshots for one in snapshot.chargers.values()]
    connectors = [one for charger in chargers for one in charger.connectors]
    return {
        "sites_running": f"{len(running)} / {len(entries)}",
        "chargers_connected": f"{sum(one.connected for one in chargers)} / {len(chargers)}",
        "cars_charging": sum(one.charging is True for one in connectors),
        "groups_within_limit": all(
            group.within_limit for snapshot in snapshots for group in snapshot.groups.values()
        ),
        "problems": sum(len(snapshot.problems) for snapshot in snapshots),
    }
