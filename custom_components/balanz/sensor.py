"""Sensors: what chargers draw and may draw, and what groups have left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EntityCategory,
    Platform,
    UnitOfElectricCurrent,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .balancing.meter_watch import MeterStage
from .balancing.model import ConnectorKey
from .balancing.phases import Phase, PhaseCurrents
from .balancing.reasons import Rule
from .charger_sensors import (
    TOLD_SENSORS,
    ChargerSensor,
    ChargerSensorDescription,
    charger_sensors,
)
from .connector_sensors import (
    CONNECTOR_SENSORS,
    REPORTED_SENSORS,
    UPSTREAM_LIMIT,
    ConnectorSensorDescription,
    rounded,
)
from .const import DOMAIN
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, ChargerEntity, ConnectorEntity, GroupEntity
from .entity_choice import chosen_entities
from .lean_entity import LeanSensorEntity
from .services import drill_response
from .site.snapshot import ChargerSnapshot, GroupSnapshot, ProofSnapshot, SiteSnapshot
from .storage.proofs import Fact, ProofLevel

PARALLEL_UPDATES = 0

MOST_BEHIND_KWH = 10.0
"""How much less can have been recorded before a kill than was shown."""


@dataclass(frozen=True, kw_only=True)
class GroupSensorDescription(SensorEntityDescription):
    """Describes a sensor of a group, shown for its worst phase and for each phase."""

    currents_fn: Callable[[GroupSnapshot], PhaseCurrents | None]
    worst_fn: Callable[[list[float]], float]
    """Picks the phase that matters most."""
    metered_only: bool = False


REASON = SensorEntityDescription(
    key="reason",
    translation_key="reason",
    device_class=SensorDeviceClass.ENUM,
    options=list(Rule),
)

TAG = SensorEntityDescription(key="tag", translation_key="tag")

PROOF_NOT_TRIED, PROOF_RUNNING, PROOF_FAILED = "not_tried", "running", "failed"
PROOF_STATES = {
    ProofLevel.ACCEPTED: "accepted",
    ProofLevel.LAPSE_SEEN: "lapse_seen",
    ProofLevel.PROVEN: "proven",
}

FALLBACK_PROOF = SensorEntityDescription(
    key="fallback_proof",
    translation_key="fallback_proof",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[PROOF_NOT_TRIED, PROOF_RUNNING, PROOF_FAILED, *PROOF_STATES.values()],
)

UPSTREAM_QUEUE = SensorEntityDescription(
    key="upstream_queue",
    translation_key="upstream_queue",
    entity_category=EntityCategory.DIAGNOSTIC,
    state_class=SensorStateClass.MEASUREMENT,
)

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
        worst_fn=worst_fn,
    )
    for key, currents_fn, worst_fn in (
        ("available", lambda group: group.available, min),
        ("allocated", lambda group: group.allocated, max),
        ("booked", lambda group: group.booked, max),
        ("headroom", lambda group: group.headroom, min),
        ("measured", lambda group: group.measured, max),
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


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a site."""
    reported = ReportedSensors(entry.runtime_data, async_add_entities)
    await entry.runtime_data.async_add_platform(
        Platform.SENSOR, async_add_entities, partial(_sensors, reported)
    )


def _sensors(
    reported: ReportedSensors, coordinator: BalanzCoordinator, device: Device
) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice):
        for group_sensor in GROUP_SENSORS:
            if group_sensor.metered_only and not device.metered:
                continue
            yield GroupSensor(coordinator, device, group_sensor, None)
            if len(device.phases) > 1:
                for phase in device.phases:
                    yield GroupSensor(coordinator, device, group_sensor, phase)
        yield CarsChargingSensor(coordinator, device, CARS_CHARGING)
        if device.metered:
            yield MeterSensor(coordinator, device, METER)
        if device.is_site:
            yield RefusedSensor(coordinator, device, REFUSED)
        yield LastDrillSensor(coordinator, device, LAST_DRILL)
        return
    reported.begin(device)
    yield FallbackProofSensor(coordinator, device, FALLBACK_PROOF)
    yield from charger_sensors(coordinator, device)
    if device.has_upstream:
        yield UpstreamQueueSensor(coordinator, device, UPSTREAM_QUEUE)
        for key in device.connector_keys:
            yield ConnectorSensor(coordinator, device, key, UPSTREAM_LIMIT)
    for key in device.connector_keys:
        for connector_sensor in CONNECTOR_SENSORS:
            if connector_sensor.line < device.lines:
                yield _connector_sensor(coordinator, device, key, connector_sensor)
        yield ReasonSensor(coordinator, device, key, REASON, needs_connection=False)
        yield TagSensor(coordinator, device, key, TAG, needs_connection=False)


class ConnectorSensor(ConnectorEntity, LeanSensorEntity):
    """A sensor of a connector."""

    entity_description: ConnectorSensorDescription

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: ChargerDevice,
        key: ConnectorKey,
        description: ConnectorSensorDescription,
    ) -> None:
        """Show one value of a connector."""
        super().__init__(
            coordinator,
            device,
            key,
            description,
            needs_connection=description.needs_connection,
            measurement=description.measurement,
        )

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the value."""
        connector = self.connector
        value = None if connector is None else self.entity_description.value_fn(connector)
        self._attr_native_value = value
        return (self.available, value)


class EnergySensor(ConnectorSensor, RestoreSensor):
    """All energy that a connector has delivered. It does not fall, not even after a kill."""

    _least: float | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Remember what was shown last, which what was recorded may be a little behind."""
        last = await self.async_get_last_sensor_data()
        if last is not None and isinstance(last.native_value, int | float | Decimal):
            self._least = float(last.native_value)
        await super().async_added_to_hass()

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the energy, unless it is still a little behind."""
        available, value = super().refresh()
        if isinstance(value, float) and self._least is not None:
            if self._least - MOST_BEHIND_KWH < value < self._least:
                value = self._attr_native_value = self._least
            else:
                self._least = None
        return (available, value)


class ReportedSensors:
    """Adds the sensors of what not all chargers report, once a charger does."""

    def __init__(
        self, coordinator: BalanzCoordinator, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        """Add nothing yet."""
        self._coordinator = coordinator
        self._async_add_entities = async_add_entities
        self._devices: dict[str, ChargerDevice] = {}
        self._untold: dict[str, tuple[ChargerSensorDescription, ...]] = {}
        """What has not been told yet of chargers as such, by device."""
        self._missing: dict[str, dict[ConnectorKey, tuple[ConnectorSensorDescription, ...]]] = {}
        """What has not been reported yet, by device and connector."""

    def begin(self, device: ChargerDevice) -> None:
        """Look out for what a charger reports that is new, or has other connectors now."""
        if device.key not in self._devices:
            self._coordinator.subscribe(
                device.key, partial(self._look, device.key), measurement=True
            )
        self._devices[device.key] = device
        self._untold[device.key] = TOLD_SENSORS
        possible = tuple(one for one in REPORTED_SENSORS if one.line < device.lines)
        self._missing[device.key] = dict.fromkeys(device.connector_keys, possible)
        # What was kept over a restart is there before the charger says anything.
        self._look(device.key)

    def _look(self, device_key: str) -> None:
        device, missing = self._devices[device_key], self._missing[device_key]
        charger = self._coordinator.snapshot.chargers.get(device.identity)
        if charger is None:
            return
        seen: list[BalanzEntity] = []
        untold = self._untold[device_key]
        told = [one for one in untold if self._is_told(device, one, charger)]
        if told:
            self._untold[device_key] = tuple(one for one in untold if one not in told)
            seen += [ChargerSensor(self._coordinator, device, one) for one in told]
        for connector in charger.connectors:
            descriptions = missing.get(connector.key, ())
            new = [one for one in descriptions if one.value_fn(connector) is not None]
            if new:
                missing[connector.key] = tuple(one for one in descriptions if one not in new)
                seen += [
                    ConnectorSensor(self._coordinator, device, connector.key, one) for one in new
                ]
        if seen:
            chosen = chosen_entities(self._coordinator.hass, device.entities, Platform.SENSOR, seen)
            self._async_add_entities(chosen, config_subentry_id=device.subentry_id)

    def _is_told(
        self, device: ChargerDevice, sensor: ChargerSensorDescription, charger: ChargerSnapshot
    ) -> bool:
        """Return whether a charger has told something, or had before Home Assistant restarted."""
        if sensor.value_fn(charger) is not None:
            return True
        registry = er.async_get(self._coordinator.hass)
        unique_id = f"{device.unique_id}_{sensor.key}"
        return registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id) is not None


def _connector_sensor(
    coordinator: BalanzCoordinator,
    device: ChargerDevice,
    key: ConnectorKey,
    description: ConnectorSensorDescription,
) -> ConnectorSensor:
    kind = EnergySensor if description.key == "energy" else ConnectorSensor
    return kind(coordinator, device, key, description)


class ReasonSensor(ConnectorEntity, LeanSensorEntity):
    """Why a connector has its limit."""

    _unrecorded_attributes = frozenset({"explanation", "other_loads", "until", "within"})

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the reason and what it names."""
        connector = self.connector
        if connector is None:
            return (False,)
        reason = connector.offered_by
        attributes: dict[str, Any] = {
            # The same word; its translation is a whole sentence.
            "explanation": reason.rule,
            "group": reason.group_name,
            "phase": reason.phase,
            "until": None if reason.until is None else reason.until.isoformat(timespec="seconds"),
        }
        if reason.other_loads_a is not None:
            attributes["other_loads"] = reason.other_loads_a
        if reason.within_a is not None:
            attributes["within"] = reason.within_a
        self._attr_native_value = reason.rule
        self._attr_extra_state_attributes = attributes
        return (self.available, reason.rule, *attributes.values())


class TagSensor(ConnectorEntity, LeanSensorEntity):
    """Whose transaction runs at a connector."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the tag's name, or its id where it has none."""
        tag = None if self.connector is None else self.connector.tag
        value = None if tag is None else tag.name or tag.id_tag
        attributes: dict[str, Any] = {
            "person": None if tag is None else tag.person,
            "refused": None if tag is None else tag.refused,
        }
        self._attr_native_value = value
        self._attr_extra_state_attributes = attributes
        return (self.available, value, *attributes.values())


class FallbackProofSensor(ChargerEntity, LeanSensorEntity):
    """What a charger's firmware was seen to do with a limit that nobody renews."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over how far it is proven, what is being tried and what was not seen."""
        charger = self.charger
        if charger is None:
            return (False,)
        shown = charger.proof
        findings = {} if shown.proof is None else shown.proof.findings
        seen_at = max((finding.seen_at for finding in findings.values()), default=None)
        attributes: dict[str, Any] = {
            "step": shown.running,
            "failed_step": shown.failed,
            "seen_at": None if seen_at is None else seen_at.isoformat(timespec="seconds"),
        }
        for fact in Fact:
            attributes[fact] = findings[fact].holds if fact in findings else None
        self._attr_native_value = _proof_state(shown)
        self._attr_extra_state_attributes = attributes
        return (self._attr_native_value, *attributes.values())


def _proof_state(shown: ProofSnapshot) -> str:
    if shown.running is not None:
        return PROOF_RUNNING
    level = ProofLevel.NOTHING if shown.proof is None else shown.proof.level
    if level is ProofLevel.NOTHING:
        return PROOF_NOT_TRIED if shown.failed is None else PROOF_FAILED
    return PROOF_STATES[level]


class UpstreamQueueSensor(ChargerEntity, LeanSensorEntity):
    """How many messages the back office of a charger has to be told later."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the number, and what was given up."""
        upstream = None if self.charger is None else self.charger.upstream
        value = None if upstream is None else upstream.waiting
        attributes = {
            "refused": None if upstream is None else upstream.parked,
            "thinned": None if upstream is None else upstream.thinned,
        }
        self._attr_native_value = value
        self._attr_extra_state_attributes = attributes
        return (value, *attributes.values())


class GroupSensor(GroupEntity, LeanSensorEntity):
    """A current of a group: on one phase, or on the phase where it matters most."""

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
        self._phases = device.phases if phase is None else (phase,)
        if phase is not None:
            self._unique_id = f"{self._unique_id}_{phase.lower()}"
            self._attr_translation_key = f"{description.key}_{phase.lower()}"
            self._attr_entity_registry_enabled_default = False

    @override
    def refresh(self) -> tuple[object, ...]:
        """Take over the current."""
        group = self.group_snapshot
        currents = None if group is None else self.entity_description.currents_fn(group)
        worst_a = None
        if currents is not None:
            worst_a = self.entity_description.worst_fn([currents[one] for one in self._phases])
        value = rounded(worst_a, 1)
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
