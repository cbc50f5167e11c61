"""What the entities of the neighbour have in common."""

from typing import Any, override

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity

from .central_system import Charger


class NeighbourEntity(Entity):
    """A part of a charger, with an id that is made from what the user calls the charger."""

    _attr_should_poll = False

    def __init__(self, entry: Any, key: str, platform: str) -> None:
        self._central = entry.runtime_data
        self._identity: str = entry.data["identity"]
        cpid: str = entry.data["cpid"]
        self.entity_id = f"{platform}.{cpid}_{key}"
        self._attr_unique_id = f"{cpid}_{key}"
        self._attr_name = f"{cpid} {key}"
        self._attr_device_info = DeviceInfo(
            identifiers={("ocpp", self._identity), ("ocpp", cpid)},
            name=cpid,
            manufacturer="Simulated",
            model="AC 11-3",
            serial_number="SIM-0001",
        )

    @property
    def charger(self) -> Charger | None:
        found: Charger | None = self._central.chargers.get(self._identity)
        return found

    @override
    async def async_added_to_hass(self) -> None:
        self._central.listeners.append(self.async_write_ha_state)
        self.async_on_remove(lambda: self._central.listeners.remove(self.async_write_ha_state))
