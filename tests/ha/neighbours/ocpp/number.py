"""Numbers of the neighbour."""

from typing import Any, override

from homeassistant.components.number import NumberEntity
from homeassistant.core import HomeAssistant

from .entity import NeighbourEntity


async def async_setup_entry(_hass: HomeAssistant, entry: Any, async_add_entities: Any) -> None:
    """Set up the number."""
    async_add_entities([MaximumCurrent(entry, "maximum_current", "number")])


class MaximumCurrent(NeighbourEntity, NumberEntity):
    """The limit of a charger, A."""

    _attr_native_max_value = 32.0
    _attr_native_value = 32.0

    @override
    async def async_set_native_value(self, value: float) -> None:
        await self._central.set_charge_rate(self._identity, value)
        self._attr_native_value = value
        self.async_write_ha_state()
