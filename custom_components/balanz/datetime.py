"""Dates and times: when a car has to leave."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import override

from homeassistant.components.datetime import DateTimeEntity, DateTimeEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device
from .entity import BalanzEntity
from .plan_entity import PlanEntity

# The site takes settings at any pace; what goes out to chargers is paced by balancing.
PARALLEL_UPDATES = 0

DEPARTURE = DateTimeEntityDescription(key="departure", translation_key="departure")


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the dates and times of a site."""
    await entry.runtime_data.async_add_platform(Platform.DATETIME, async_add_entities, _datetimes)


def _datetimes(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, ChargerDevice):
        for key in device.connector_keys:
            yield DepartureDateTime(coordinator, device, key, DEPARTURE)


class DepartureDateTime(PlanEntity, DateTimeEntity):
    """When the car at a connector has to leave; unknown where nobody has said."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the time."""
        self._attr_native_value = self.plan.departs_at
        return (self._attr_native_value,)

    @override
    async def async_set_value(self, value: datetime) -> None:
        """Plan another departure."""
        await self.change_plan(replace(self.plan, departs_at=dt_util.as_utc(value)))
