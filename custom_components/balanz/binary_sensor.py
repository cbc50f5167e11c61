"""Binary sensors: links, plugs, and what is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .csms.events import ConnectorStatus
from .devices import Device, GroupDevice
from .entity import BalanzEntity, ChargerEntity, ConnectorEntity, GroupEntity
from .lean_entity import LeanBinarySensorEntity
from .site.snapshot import ConnectorSnapshot, ProblemKind

PARALLEL_UPDATES = 0
MOST_NAMED = 20
"""Chargers in an attribute; what is longer than 16 KiB is not recorded."""


@dataclass(frozen=True, kw_only=True)
class ConnectorBinarySensorDescription(BinarySensorEntityDescription):
    """Describes a binary sensor of a connector."""

    value_fn: Callable[[ConnectorSnapshot], bool | None]


@dataclass(frozen=True, kw_only=True)
class ProblemDescription(BinarySensorEntityDescription):
    """Describes a binary sensor of a site that tells of one kind of problem."""

    kind: ProblemKind


def _faulted(connector: ConnectorSnapshot) -> bool | None:
    return None if connector.status is None else connector.status is ConnectorStatus.FAULTED


CONNECTED = BinarySensorEntityDescription(
    key="connected",
    translation_key="connected",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)

SAFE_ALONE = BinarySensorEntityDescription(
    key="safe_alone",
    translation_key="safe_alone",
    entity_category=EntityCategory.DIAGNOSTIC,
)

LIMITING = BinarySensorEntityDescription(key="limiting", translation_key="limiting")

UPSTREAM_CONNECTED = BinarySensorEntityDescription(
    key="upstream_connected",
    translation_key="upstream_connected",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)

CONNECTOR_BINARY_SENSORS: tuple[ConnectorBinarySensorDescription, ...] = (
    ConnectorBinarySensorDescription(
        key="plugged",
        translation_key="plugged",
        device_class=BinarySensorDeviceClass.PLUG,
        value_fn=lambda connector: connector.plugged,
    ),
    ConnectorBinarySensorDescription(
        key="charging",
        translation_key="charging",
        device_class=BinarySensorDeviceClass.BATTERY_CHARGING,
        value_fn=lambda connector: connector.charging,
    ),
    ConnectorBinarySensorDescription(
        key="fault",
        translation_key="fault",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_faulted,
    ),
)

SITE_PROBLEMS: tuple[ProblemDescription, ...] = (
    ProblemDescription(
        key="supply_problem",
        translation_key="supply_problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        kind=ProblemKind.METER_SILENT,
    ),
    ProblemDescription(
        key="overload",
        translation_key="overload",
        device_class=BinarySensorDeviceClass.PROBLEM,
        kind=ProblemKind.OVERLOAD,
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of a site."""
    await entry.runtime_data.async_add_platform(
        Platform.BINARY_SENSOR, async_add_entities, _binary_sensors
    )


def _binary_sensors(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice):
        if device.is_site:
            for problem in SITE_PROBLEMS:
                yield ProblemBinarySensor(coordinator, device, problem)
            yield SafeAloneBinarySensor(coordinator, device, SAFE_ALONE)
        yield LimitingBinarySensor(coordinator, device, LIMITING)
        return
    yield ConnectedBinarySensor(coordinator, device, CONNECTED)
    if device.has_upstream:
        yield UpstreamBinarySensor(coordinator, device, UPSTREAM_CONNECTED)
    for key in device.connector_keys:
        for description in CONNECTOR_BINARY_SENSORS:
            yield ConnectorBinarySensor(coordinator, device, key, description)


class ConnectedBinarySensor(ChargerEntity, LeanBinarySensorEntity):
    """Whether a charger's link is up."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the state of the link."""
        self._attr_is_on = None if self.charger is None else self.charger.connected
        return (self._attr_is_on,)


class UpstreamBinarySensor(ChargerEntity, LeanBinarySensorEntity):
    """Whether the back office of a charger can be reached."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the state of the link, and why there is none."""
        upstream = None if self.charger is None else self.charger.upstream
        self._attr_is_on = None if upstream is None else upstream.connected
        trouble = None if upstream is None or upstream.trouble is None else upstream.trouble.value
        self._attr_extra_state_attributes = {"trouble": trouble}
        return (self._attr_is_on, trouble)


class ConnectorBinarySensor(ConnectorEntity, LeanBinarySensorEntity):
    """A binary sensor of a connector."""

    entity_description: ConnectorBinarySensorDescription

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the value."""
        connector = self.connector
        value = None if connector is None else self.entity_description.value_fn(connector)
        self._attr_is_on = value
        return (self.available, value)


class ProblemBinarySensor(GroupEntity, LeanBinarySensorEntity):
    """Whether the site has one kind of problem, in any of its groups."""

    entity_description: ProblemDescription

    @override
    def refresh(self) -> tuple[object, ...]:
        """Look for the problem."""
        self._attr_is_on = any(
            problem.kind is self.entity_description.kind
            for problem in self.coordinator.snapshot.problems
        )
        return (self._attr_is_on,)


class LimitingBinarySensor(GroupEntity, LeanBinarySensorEntity):
    """Whether a charger would get more if the group could carry more."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over whether it does."""
        group = self.group_snapshot
        self._attr_is_on = None if group is None else group.limiting
        return (self._attr_is_on,)


class SafeAloneBinarySensor(GroupEntity, LeanBinarySensorEntity):
    """Whether all fuses would hold if Home Assistant were gone."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the answer, and what lacks most where it is no."""
        snapshot = self.coordinator.snapshot
        budget = snapshot.dark_budget
        self._attr_is_on = None if budget is None else budget.is_safe
        worst = None if budget is None else budget.worst
        attributes: dict[str, Any] = {}
        if budget is not None:
            first = budget.unproven[:MOST_NAMED]
            names = (snapshot.chargers.get(identity) for identity in first)
            attributes["unproven_chargers"] = [one.name for one in names if one is not None]
            attributes["unproven_count"] = len(budget.unproven)
        if worst is not None:
            group = snapshot.groups.get(worst.group_id)
            attributes["worst_group"] = worst.group_id if group is None else group.name
            attributes["worst_phase"] = None if worst.phase is None else worst.phase.value
            attributes["missing_current"] = worst.missing_a
        self._attr_extra_state_attributes = attributes
        return (self._attr_is_on, attributes)
