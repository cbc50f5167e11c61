"""Settings that entities and actions change; the forms show them, and the site follows."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import callback

from .const import CONF_ADVANCED
from .coordinator import BalanzCoordinator
from .devices import ChargerDevice, GroupDevice


@callback
def change_charger(
    coordinator: BalanzCoordinator, charger: ChargerDevice, changes: Mapping[str, Any]
) -> None:
    """Change what is set up of a charger."""
    entry = coordinator.entry
    subentry = entry.subentries[charger.subentry_id]
    coordinator.hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, **changes}
    )


@callback
def change_sharing(
    coordinator: BalanzCoordinator, group: GroupDevice, changes: Mapping[str, Any]
) -> None:
    """Change how a group shares; the root group's settings are those of the site."""
    entry, entries = coordinator.entry, coordinator.hass.config_entries
    if group.subentry_id is None:
        entries.async_update_entry(entry, data=_with(entry.data, changes))
        return
    subentry = entry.subentries[group.subentry_id]
    entries.async_update_subentry(entry, subentry, data=_with(subentry.data, changes))


def _with(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, CONF_ADVANCED: {**data.get(CONF_ADVANCED, {}), **changes}}
