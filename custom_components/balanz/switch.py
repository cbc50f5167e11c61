"""Switches: whether a connector may charge, is paused or goes first; if a group is balanced."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .csms.events import ConnectorStatus
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, ConnectorEntity, GroupEntity, ask_charger, recorded
from .plan_entity import PlanEntity
from .site.bound import BoundName

# The site takes settings at any pace; what goes out to chargers is paced by balancing.
PARALLEL_UPDATES = 0

CHARGING_ALLOWED = SwitchEntityDescription(
    key="charging_allowed", translation_key="charging_allowed"
)
PAUSED = SwitchEntityDescription(key="paused", translation_key="paused")
IN_SERVICE = SwitchEntityDescription(
    key="in_service",
    translation_key="in_service",
    entity_category=EntityCategory.CONFIG,
    entity_registry_enabled_default=False,
)
BOOST = SwitchEntityDescription(key="boost", translation_key="boost")
SMART_CHARGING = SwitchEntityDescription(
    key="smart_charging",
    translation_key="smart_charging",
    entity_category=EntityCategory.CONFIG,
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of a site."""
    await entry.runtime_data.async_add_platform(Platform.SWITCH, async_add_entities, _switches)


def _switches(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, ChargerDevice):
        for key in device.connector_keys:
            yield ChargingAllowedSwitch(
                coordinator, device, key, CHARGING_ALLOWED, needs_connection=False
            )
            yield PausedSwitch(coordinator, device, key, PAUSED, needs_connection=False)
            yield BoostSwitch(coordinator, device, key, BOOST)
            yield InServiceSwitch(coordinator, device, key, IN_SERVICE)
    elif isinstance(device, GroupDevice):
        yield SmartChargingSwitch(coordinator, device, SMART_CHARGING)


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


class PausedSwitch(ConnectorEntity, SwitchEntity):
    """Whether a connector is paused: for a while by an action, or until it is resumed.

    Unlike what is not allowed, automations can pause and resume without allowing anything.
    """

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over whether it is, and until when."""
        bounds = () if self.connector is None else self.connector.bounds
        pause = next((bound for bound in bounds if bound.name is BoundName.PAUSE), None)
        self._attr_is_on = None if self.connector is None else pause is not None
        until = None if pause is None else pause.until
        shown = None if until is None else until.isoformat(timespec="seconds")
        self._attr_extra_state_attributes = {"until": shown}
        return (self._attr_is_on, shown)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Hold it at 0 A until it is resumed."""
        with recorded():
            await self.coordinator.site.ceilings.set(self.key, BoundName.PAUSE, 0.0)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Resume it."""
        with recorded():
            await self.coordinator.site.ceilings.end(self.key, BoundName.PAUSE)


class InServiceSwitch(ConnectorEntity, SwitchEntity):
    """Whether a connector can be used at all; the charger keeps that over restarts."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over what the charger says; of a fault it does not say what comes after."""
        status = None if self.connector is None else self.connector.status
        is_known = status not in (None, ConnectorStatus.FAULTED)
        self._attr_is_on = status is not ConnectorStatus.UNAVAILABLE if is_known else None
        return (self.available, self._attr_is_on)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Put it in service."""
        remote = self.coordinator.site.remote
        await ask_charger(remote.set_in_service(self.key, True), self.key.charger)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Take it out of service, once the session that runs has ended."""
        remote = self.coordinator.site.remote
        await ask_charger(remote.set_in_service(self.key, False), self.key.charger)


class SmartChargingSwitch(GroupEntity, SwitchEntity):
    """Whether the chargers of a group are given limits; off leaves them to themselves."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the setting."""
        group = self.group_snapshot
        self._attr_is_on = None if group is None else group.smart_charging
        return (self._attr_is_on,)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Give its chargers limits."""
        with recorded():
            await self.coordinator.site.set_smart_charging(self.group_id, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Leave its chargers to themselves."""
        with recorded():
            await self.coordinator.site.set_smart_charging(self.group_id, False)


class BoostSwitch(PlanEntity, SwitchEntity):
    """Whether a car goes before all others; ends by itself in time, or when the car leaves."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over whether it does, and until when."""
        until = self.plan.boosted_until
        self._attr_is_on = until is not None and until > dt_util.utcnow()
        shown = until.isoformat(timespec="seconds") if until and self._attr_is_on else None
        self._attr_extra_state_attributes = {"until": shown}
        return (self._attr_is_on, shown)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let it go first."""
        await self.boost()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Let it wait its turn again."""
        await self.change_plan(replace(self.plan, boosted_until=None))
