"""Sensors of the neighbour."""

from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import HomeAssistant

from .entity import NeighbourEntity


async def async_setup_entry(_hass: HomeAssistant, entry: Any, async_add_entities: Any) -> None:
    """Set up the sensors."""
    async_add_entities([Status(entry, "status", "sensor"), Power(entry, "power", "sensor")])


class Status(NeighbourEntity, SensorEntity):
    """What a charger says of itself."""

    @property
    @override
    def native_value(self) -> str | None:
        return None if self.charger is None else self.charger.status


class Power(NeighbourEntity, SensorEntity):
    """What a charger draws, W."""

    @property
    @override
    def native_value(self) -> float | None:
        return None if self.charger is None else self.charger.power_w
