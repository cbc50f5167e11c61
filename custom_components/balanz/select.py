"""Selects: how a group shares, and how important a charger is. The forms show the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .balancing.policies import Policy
from .balancing.surplus import SurplusMode
from .const import (
    CONF_POLICY,
    CONF_PRIORITY,
    CONF_SURPLUS,
    HIGHEST_CHARGER_PRIORITY,
    LOWEST_CHARGER_PRIORITY,
    POLICY_INHERIT,
)
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, ChargerEntity, GroupEntity
from .settings_change import change_charger, change_sharing
from .site.snapshot import GroupSnapshot

# What is chosen is a setting; Home Assistant itself keeps it.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class SharingSelectDescription(SelectEntityDescription):
    """Describes a select of how a group shares."""

    setting: str
    value_fn: Callable[[GroupSnapshot], str | None]
    """Its option; None where the group shares as the one above it does."""


POLICY = SharingSelectDescription(
    key="policy",
    translation_key="policy",
    entity_category=EntityCategory.CONFIG,
    options=list(Policy),
    setting=CONF_POLICY,
    value_fn=lambda group: group.policy,
)
SURPLUS = SharingSelectDescription(
    key="surplus",
    translation_key="surplus",
    entity_category=EntityCategory.CONFIG,
    options=list(SurplusMode),
    setting=CONF_SURPLUS,
    value_fn=lambda group: group.surplus,
)
PRIORITY = SelectEntityDescription(
    key="priority",
    translation_key="priority",
    entity_category=EntityCategory.CONFIG,
    options=[str(one) for one in range(LOWEST_CHARGER_PRIORITY, HIGHEST_CHARGER_PRIORITY + 1)],
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the selects of a site."""
    await entry.runtime_data.async_add_platform(Platform.SELECT, async_add_entities, _selects)


def _selects(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice):
        yield SharingSelect(coordinator, device, POLICY)
        if device.metered:
            yield SharingSelect(coordinator, device, SURPLUS)
    else:
        yield PrioritySelect(coordinator, device)


class SharingSelect(GroupEntity, SelectEntity):
    """How a group shares: its policy, or whether it keeps to solar surplus."""

    entity_description: SharingSelectDescription

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: GroupDevice,
        description: SharingSelectDescription,
    ) -> None:
        """Stand for one of a group's settings."""
        super().__init__(coordinator, device, description)
        self._device = device
        options = list(description.options or ())
        # A group inside another one can share as that does.
        inherits = description is POLICY and not device.is_site
        self._attr_options = [POLICY_INHERIT, *options] if inherits else options

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the setting."""
        group = self.group_snapshot
        option = None if group is None else self.entity_description.value_fn(group)
        if group is not None and option is None:
            option = self._attr_options[0]
        self._attr_current_option = option
        return (option,)

    @override
    async def async_select_option(self, option: str) -> None:
        """Share in another way."""
        change_sharing(self.coordinator, self._device, {self.entity_description.setting: option})


class PrioritySelect(ChargerEntity, SelectEntity):
    """How important a charger is: 10 goes first. A tag or a session can say otherwise."""

    def __init__(self, coordinator: BalanzCoordinator, device: ChargerDevice) -> None:
        """Stand for a charger's priority."""
        super().__init__(coordinator, device, PRIORITY)
        self._device = device

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the priority."""
        charger = self.charger
        self._attr_current_option = None if charger is None else str(charger.priority)
        return (self._attr_current_option,)

    @override
    async def async_select_option(self, option: str) -> None:
        """Make it more or less important."""
        change_charger(self.coordinator, self._device, {CONF_PRIORITY: int(option)})
