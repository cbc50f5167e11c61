"""Selects: how a group shares, and how important a charger is. The forms show the same."""

from collections.abc import Iterator
from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .balancing.policies import Policy
from .const import CONF_POLICY, CONF_PRIORITY, POLICY_INHERIT
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, ChargerEntity, GroupEntity
from .forms import HIGHEST_CHARGER_PRIORITY, LOWEST_CHARGER_PRIORITY
from .settings_change import change_charger, change_sharing

# What is chosen is a setting; Home Assistant itself keeps it.
PARALLEL_UPDATES = 0

POLICY = SelectEntityDescription(
    key="policy",
    translation_key="policy",
    entity_category=EntityCategory.CONFIG,
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
    await entry.runtime_data.async_add_platform(async_add_entities, _selects)


def _selects(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice):
        yield PolicySelect(coordinator, device)
    else:
        yield PrioritySelect(coordinator, device)


class PolicySelect(GroupEntity, SelectEntity):
    """How a group shares; a group inside another one can share as that does."""

    def __init__(self, coordinator: BalanzCoordinator, device: GroupDevice) -> None:
        """Stand for a group's way of sharing."""
        super().__init__(coordinator, device, POLICY)
        self._device = device
        self._default = Policy.FAIR if device.is_site else POLICY_INHERIT
        self._attr_options = [*([] if device.is_site else [POLICY_INHERIT]), *Policy]

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the policy."""
        group = self.group_snapshot
        self._attr_current_option = None if group is None else group.policy or self._default
        return (self._attr_current_option,)

    @override
    async def async_select_option(self, option: str) -> None:
        """Share in another way."""
        change_sharing(self.coordinator, self._device, {CONF_POLICY: option})


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
