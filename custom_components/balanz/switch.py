"""Switches: whether a connector may charge."""

from collections.abc import Iterator
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device
from .entity import BalanzEntity, ConnectorEntity, recorded

# The site takes settings at any pace; what goes out to chargers is paced by balancing.
PARALLEL_UPDATES = 0

CHARGING_ALLOWED = SwitchEntityDescription(
    key="charging_allowed", translation_key="charging_allowed"
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of a site."""
    await entry.runtime_data.async_add_platform(async_add_entities, _switches)


def _switches(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, ChargerDevice):
        for key in device.connector_keys:
            yield ChargingAllowedSwitch(
                coordinator, device, key, CHARGING_ALLOWED, needs_connection=False
            )


class ChargingAllowedSwitch(ConnectorEntity, SwitchEntity):
    """Whether the user lets a connector charge; off pauses it with 0 A."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the setting."""
        self._attr_is_on = None if self.connector is None else self.connector.enabled
        return (self._attr_is_on,)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let it charge."""
        with recorded():
            await self.coordinator.site.set_enabled(self.key, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Pause it."""
        with recorded():
            await self.coordinator.site.set_enabled(self.key, False)
