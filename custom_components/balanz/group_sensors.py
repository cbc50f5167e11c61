"""Sensors of a group: its currents, its meter, and what concerns the chargers below it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfElectricCurrent

from .balancing.meter_watch import MeterStage
from .balancing.phases import Phase, PhaseCurrents
from .connector_sensors import rounded
from .coordinator import BalanzCoordinator
from .devices import GroupDevice
from .entity import BalanzEntity, GroupEntity
from .lean_entity import LeanSensorEntity
from .services import drill_response
from .site.snapshot import GroupSnapshot, SiteSnapshot


@dataclass(frozen=True, kw_only=True)
class GroupSensorDescription(SensorEntityDescription):
    """Describes a sensor of a group, shown for the phase that counts and for each phase."""

    currents_fn: Callable[[GroupSnapshot], PhaseCurrents | None]
    phase_fn: Callable[[GroupSnapshot, PhaseCurrents], Phase]
    """Picks the phase that counts."""
    metered_only: bool = False


def _scarcest(group: GroupSnapshot, currents: PhaseCurrents) -> Phase:
    """Return where the least is available, and of several where the most of this current flows.

    What is allocated and booked is told of the same phase, so that it can be held against that.
    """

    def least_first(phase: Phase) -> tuple[float, float]:
        available_a = 0.0 if group.available is None else group.available[phase]
        return (round(available_a, 1), -currents[phase])

    return min(group.phases, key=least_first)


def _lowest(group: GroupSnapshot, currents: PhaseCurrents) -> Phase:
    return min(group.phases, key=currents.__getitem__)


def _highest(group: GroupSnapshot, currents: PhaseCurrents) -> Phase:
    return max(group.phases, key=currents.__getitem__)


GROUP_SENSORS: tuple[GroupSensorDescription, ...] = tuple(
    GroupSensorDescription(
        key=key,
        translation_key=key,
        currents_fn=currents_fn,
        device_class=SensorDeviceClass.CURRENT,
        metered_only=key == "measured",
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        phase_fn=phase_fn,
    )
    for key, currents_fn, phase_fn in (
        ("available", lambda group: group.available, _scarcest),
        ("allocated", lambda group: group.allocated, _scarcest),
        ("booked", lambda group: group.booked, _scarcest),
        ("headroom", lambda group: group.headroom, _lowest),
        ("measured", lambda group: group.measured, _highest),
    )
)

LAST_DRILL = SensorEntityDescription(
    key="last_drill",
    translation_key="last_drill",
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
)

CARS_CHARGING = SensorEntityDescription(
    key="cars_charging",
    translation_key="cars_charging",
    state_class=SensorStateClass.MEASUREMENT,
)

METER = SensorEntityDescription(
    key="meter",
    translation_key="meter",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=list(MeterStage),
)

REFUSED = SensorEntityDescription(
    key="refused_chargers",
    translation_key="refused_chargers",
    entity_category=EntityCategory.DIAGNOSTIC,
    state_class=SensorStateClass.MEASUREMENT,
)


def group_sensors(coordinator: BalanzCoordinator, device: GroupDevice) -> Iterator[BalanzEntity]:
    """Yield the sensors of a group."""
    for description in GROUP_SENSORS:
        if description.metered_only and not device.metered:
            continue
        yield GroupSensor(coordinator, device, description, None)
        if len(device.phases) > 1:
            for phase in device.phases:
                yield GroupSensor(coordinator, device, description, phase)
    yield CarsChargingSensor(coordinator, device, CARS_CHARGING)
    if device.metered:
        yield MeterSensor(coordinator, device, METER)
    if device.is_site:
        yield RefusedSensor(coordinator, device, REFUSED)
    yield LastDrillSensor(coordinator, device, LAST_DRILL)


class GroupSensor(GroupEntity, LeanSensorEntity):
    """A current of a group: on one phase, or on the phase that counts."""

    entity_description: GroupSensorDescription

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: GroupDevice,
        description: GroupSensorDescription,
        phase: Phase | None,
    ) -> None:
        """Show one current of a group."""
        super().__init__(coordinator, device, description, measurement=description.metered_only)
        self._phase = phase
        if phase is not None:
            self._unique_id = f"{self._unique_id}_{phase.lower()}"
            self._attr_translation_key = f"{description.key}_{phase.lower()}"
            self._attr_entity_registry_enabled_default = False

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the current."""
        group = self.group_snapshot
        currents = None if group is None else self.entity_description.currents_fn(group)
        value = None
        if group is not None and currents is not None:
            phase = self._phase or self.entity_description.phase_fn(group, currents)
            value = rounded(currents[phase], 1)
        self._attr_native_value = value
        return (value,)


class CarsChargingSensor(GroupEntity, LeanSensorEntity):
    """How many cars charge in a group and in those below it."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the count."""
        group = self.group_snapshot
        self._attr_native_value = None if group is None else group.charging
        return (self._attr_native_value,)


class MeterSensor(GroupEntity, LeanSensorEntity):
    """How far the sensors of a group can be trusted."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the stage, since when it is so, and what is assumed meanwhile."""
        group = self.group_snapshot
        meter = None if group is None else group.meter
        if group is None or meter is None:
            self._attr_native_value = None
            self._attr_extra_state_attributes = {}
            return (None,)
        assumed_a = None
        if meter.assumed is not None:
            assumed_a = max(meter.assumed[phase] for phase in group.phases)
        attributes: dict[str, Any] = {
            "since": meter.since.isoformat(timespec="seconds"),
            "assumed_base_load": rounded(assumed_a, 1),
        }
        self._attr_native_value = meter.stage
        self._attr_extra_state_attributes = attributes
        return (meter.stage, *attributes.values())


class RefusedSensor(GroupEntity, LeanSensorEntity):
    """How many unknown chargers were refused, and who."""

    _unrecorded_attributes = frozenset({"identities"})

    @override
    def refresh(self) -> tuple[object, ...]:
        """Count and name them."""
        snapshot: SiteSnapshot = self.coordinator.snapshot
        self._attr_native_value = len(snapshot.refused)
        self._attr_extra_state_attributes = {"identities": list(snapshot.refused)}
        return (snapshot.refused,)


class LastDrillSensor(GroupEntity, LeanSensorEntity):
    """When the last overload drill was, and how the chargers did."""

    _unrecorded_attributes = frozenset({"chargers"})

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the report."""
        group = self.group_snapshot
        report = None if group is None else group.drill
        self._attr_native_value = None if report is None else report.at
        self._attr_extra_state_attributes = {} if report is None else drill_response(report)
        return (report,)
