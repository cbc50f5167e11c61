"""Numbers: a group's capacity, a charger's maximum, a car's energy; all for automations."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import (
    EntityCategory,
    Platform,
    UnitOfElectricCurrent,
    UnitOfEnergy,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .balancing.model import ConnectorKey
from .const import DOMAIN
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, ConnectorEntity, GroupEntity, recorded
from .plan_entity import PlanEntity
from .storage.plans import LONGEST_BOOST

# The site takes settings at any pace; what goes out to chargers is paced by balancing.
PARALLEL_UPDATES = 0

CAPACITY = NumberEntityDescription(
    key="capacity",
    translation_key="capacity",
    device_class=NumberDeviceClass.CURRENT,
    mode=NumberMode.BOX,
    native_min_value=0,
    native_step=0.1,
    native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
)

MAXIMUM = NumberEntityDescription(
    key="maximum",
    translation_key="maximum",
    device_class=NumberDeviceClass.CURRENT,
    entity_category=EntityCategory.CONFIG,
    mode=NumberMode.BOX,
    native_step=1,
    native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
)

ENERGY_TARGET = NumberEntityDescription(
    key="energy_target",
    translation_key="energy_target",
    device_class=NumberDeviceClass.ENERGY,
    mode=NumberMode.BOX,
    native_min_value=0,
    native_max_value=200,
    native_step=0.5,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
)

BOOST_DURATION = NumberEntityDescription(
    key="boost_duration",
    translation_key="boost_duration",
    device_class=NumberDeviceClass.DURATION,
    entity_category=EntityCategory.CONFIG,
    mode=NumberMode.BOX,
    native_min_value=1,
    native_max_value=LONGEST_BOOST / timedelta(minutes=1),
    native_step=1,
    native_unit_of_measurement=UnitOfTime.MINUTES,
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the numbers of a site."""
    await entry.runtime_data.async_add_platform(Platform.NUMBER, async_add_entities, _numbers)


def _numbers(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice):
        yield CapacityNumber(coordinator, device, CAPACITY)
        return
    for key in device.connector_keys:
        yield MaximumNumber(coordinator, device, key)
        yield EnergyTargetNumber(coordinator, device, key, ENERGY_TARGET)
        yield BoostDurationNumber(coordinator, device, key, BOOST_DURATION)


def _out_of_range(value_a: float, highest_a: float) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="above_rating",
        translation_placeholders={"value": f"{value_a:g}", "rating": f"{highest_a:g}"},
    )


class CapacityNumber(GroupEntity, NumberEntity):
    """What a group may carry, A per phase; kept over restarts by the site.

    What an action sets for a while, or a schedule leaves, is told in the attributes.
    """

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the capacity and the rating that bounds it."""
        group = self.group_snapshot
        if group is None:
            self._attr_native_value = None
            return (None,)
        override = group.override
        until = None if override is None else override.until
        attributes: dict[str, Any] = {
            "now": round(group.capacity_now_a, 1),
            "override": None if override is None else override.capacity_a,
            "override_power": None if override is None else override.power_w,
            "until": None if until is None else until.isoformat(timespec="seconds"),
        }
        self._attr_native_max_value = group.rating_a
        self._attr_native_value = group.capacity_a
        self._attr_extra_state_attributes = attributes
        return (group.capacity_a, group.rating_a, *attributes.values())

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Change the capacity."""
        try:
            with recorded():
                await self.coordinator.site.set_capacity(self.group_id, value)
        except ValueError as error:
            raise _out_of_range(value, self.native_max_value) from error


class MaximumNumber(ConnectorEntity, NumberEntity):
    """The user's upper bound for a connector, A per line; kept over restarts by the site."""

    def __init__(
        self, coordinator: BalanzCoordinator, device: ChargerDevice, key: ConnectorKey
    ) -> None:
        """Stand for a connector's maximum; less than its minimum would only mean a pause."""
        super().__init__(coordinator, device, key, MAXIMUM, needs_connection=False)
        self._attr_native_min_value = device.minimum_a

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the maximum and the rating that bounds it."""
        connector = self.connector
        if connector is None:
            self._attr_native_value = None
            return (None,)
        self._attr_native_max_value = connector.rating_a
        self._attr_native_value = connector.maximum_a
        return (connector.maximum_a, connector.rating_a)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Change the maximum."""
        try:
            with recorded():
                await self.coordinator.site.set_maximum(self.key, value)
        except ValueError as error:
            raise _out_of_range(value, self.native_max_value) from error


class EnergyTargetNumber(PlanEntity, NumberEntity):
    """What the session is to charge in all; 0 where nobody has said."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the energy."""
        self._attr_native_value = (self.plan.energy_wh or 0.0) / 1000
        return (self._attr_native_value,)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Plan another energy."""
        await self.change_plan(replace(self.plan, energy_wh=value * 1000 or None))


class BoostDurationNumber(PlanEntity, NumberEntity):
    """How long a boost lasts that begins from now on; kept over restarts by the site."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the duration."""
        connector = self.connector
        minutes = None if connector is None else connector.boost_lasts / timedelta(minutes=1)
        self._attr_native_value = minutes
        return (minutes,)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Change the duration."""
        with recorded():
            await self.coordinator.site.set_boost_duration(self.key, timedelta(minutes=value))
