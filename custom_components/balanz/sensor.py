"""Sensors: those of connectors, and what a charger reports from when it first does."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntityDescription,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .balancing.model import ConnectorKey
from .balancing.reasons import Rule
from .charger_sensors import TOLD_SENSORS, ChargerSensor, ChargerSensorDescription, charger_sensors
from .connector_sensors import (
    CONNECTOR_SENSORS,
    REPORTED_SENSORS,
    UPSTREAM_LIMIT,
    ConnectorSensorDescription,
)
from .const import DOMAIN
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import ChargerDevice, Device, GroupDevice
from .entity import BalanzEntity, ConnectorEntity
from .entity_choice import chosen_entities
from .group_sensors import group_sensors
from .lean_entity import LeanSensorEntity
from .site.snapshot import ChargerSnapshot

PARALLEL_UPDATES = 0

MOST_BEHIND_KWH = 10.0
"""How much less can have been recorded before a kill than was shown."""

REASON = SensorEntityDescription(
    key="reason",
    translation_key="reason",
    device_class=SensorDeviceClass.ENUM,
    options=list(Rule),
)

TAG = SensorEntityDescription(key="tag", translation_key="tag")


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
        yield from group_sensors(coordinator, device)
        return
    reported.begin(device)
    yield from charger_sensors(coordinator, device)
    if device.has_upstream:
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
