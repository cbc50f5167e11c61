"""The sensors of a connector: what it draws, has delivered and may draw, and what it reports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.util import dt as dt_util

from .csms.events import ConnectorStatus
from .csms.reported_codes import ErrorCode, StopReason
from .site.bound import BoundName
from .site.snapshot import ConnectorSnapshot

type SensorValue = float | str | datetime | None


def rounded(value: float | None, digits: int) -> float | None:
    """Return a value as it is shown; None stays None."""
    # Adding zero makes a minus zero, which rounding leaves of small exports, a plain one.
    return None if value is None else round(value, digits) + 0.0


def _kwh(energy_wh: float | None) -> float | None:
    return None if energy_wh is None else round(energy_wh / 1000, 2)


@dataclass(frozen=True, kw_only=True)
class ConnectorSensorDescription(SensorEntityDescription):
    """Describes a sensor of a connector."""

    line: int = 0
    """The line of the charger that it is about; those that are not wired have no sensor."""
    measurement: bool = False
    needs_connection: bool = True
    value_fn: Callable[[ConnectorSnapshot], SensorValue]


def _transaction_id(connector: ConnectorSnapshot) -> str | None:
    """Return the transaction's id as a text: a number would be shown with separators."""
    return None if connector.transaction_id is None else str(connector.transaction_id)


def _line_current(line: int) -> Callable[[ConnectorSnapshot], SensorValue]:
    return lambda connector: rounded(connector.currents_a[line], 1)


def _upstream_limit(connector: ConnectorSnapshot) -> SensorValue:
    limits = [it.limit_a for it in connector.bounds if it.name is BoundName.UPSTREAM]
    return rounded(min(limits, default=None), 1)


UPSTREAM_LIMIT = ConnectorSensorDescription(
    key="upstream_limit",
    translation_key="upstream_limit",
    device_class=SensorDeviceClass.CURRENT,
    native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
    suggested_display_precision=1,
    needs_connection=False,
    value_fn=_upstream_limit,
)
"""What the back office of its charger allows; unknown where it sets no limit."""

CONNECTOR_SENSORS: tuple[ConnectorSensorDescription, ...] = (
    ConnectorSensorDescription(
        key="status",
        translation_key="status",
        device_class=SensorDeviceClass.ENUM,
        options=list(ConnectorStatus),
        value_fn=lambda connector: connector.status,
    ),
    *(
        ConnectorSensorDescription(
            key=f"current_l{line + 1}",
            translation_key=f"current_l{line + 1}",
            device_class=SensorDeviceClass.CURRENT,
            line=line,
            measurement=True,
            native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=1,
            value_fn=_line_current(line),
        )
        for line in range(3)
    ),
    ConnectorSensorDescription(
        key="power",
        translation_key="power",
        device_class=SensorDeviceClass.POWER,
        measurement=True,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda connector: rounded(connector.power_w, -1),
    ),
    ConnectorSensorDescription(
        key="energy",
        translation_key="energy",
        device_class=SensorDeviceClass.ENERGY,
        measurement=True,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        needs_connection=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=2,
        value_fn=lambda connector: _kwh(connector.energy_wh),
    ),
    ConnectorSensorDescription(
        key="session_energy",
        translation_key="session_energy",
        device_class=SensorDeviceClass.ENERGY,
        measurement=True,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        needs_connection=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=2,
        value_fn=lambda connector: _kwh(connector.session_energy_wh),
    ),
    ConnectorSensorDescription(
        key="limit_commanded",
        translation_key="limit_commanded",
        device_class=SensorDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda connector: connector.commanded_a,
    ),
    ConnectorSensorDescription(
        key="limit_accepted",
        translation_key="limit_accepted",
        device_class=SensorDeviceClass.CURRENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda connector: connector.accepted_a,
    ),
    ConnectorSensorDescription(
        key="error_code",
        translation_key="error_code",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=list(ErrorCode),
        value_fn=lambda connector: connector.error_code,
    ),
    ConnectorSensorDescription(
        key="transaction_id",
        translation_key="transaction_id",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        needs_connection=False,
        value_fn=_transaction_id,
    ),
    ConnectorSensorDescription(
        key="stop_reason",
        translation_key="stop_reason",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        needs_connection=False,
        options=list(StopReason),
        value_fn=lambda connector: connector.stop_reason,
    ),
    ConnectorSensorDescription(
        key="booked",
        translation_key="booked",
        device_class=SensorDeviceClass.CURRENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        needs_connection=False,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda connector: rounded(connector.booked_a, 1),
    ),
)


def _line_voltage(line: int) -> Callable[[ConnectorSnapshot], SensorValue]:
    return lambda connector: rounded(connector.voltages_v[line], 0)


def _line_power(line: int) -> Callable[[ConnectorSnapshot], SensorValue]:
    return lambda connector: rounded(connector.powers_w[line], -1)


def _session_minutes(connector: ConnectorSnapshot) -> int | None:
    """Return how long the session lasts that runs, or the last one has lasted, in whole minutes."""
    started_at = connector.session_started_at
    if started_at is None:
        return None
    runs = connector.transaction_id is not None
    until = dt_util.utcnow() if runs else connector.session_ended_at
    return None if until is None else max(until - started_at, timedelta(0)) // timedelta(minutes=1)


REPORTED_SENSORS: tuple[ConnectorSensorDescription, ...] = (
    *(
        ConnectorSensorDescription(
            key=f"voltage_l{line + 1}",
            translation_key=f"voltage_l{line + 1}",
            device_class=SensorDeviceClass.VOLTAGE,
            entity_registry_enabled_default=False,
            line=line,
            measurement=True,
            native_unit_of_measurement=UnitOfElectricPotential.VOLT,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=0,
            value_fn=_line_voltage(line),
        )
        for line in range(3)
    ),
    *(
        ConnectorSensorDescription(
            key=f"power_l{line + 1}",
            translation_key=f"power_l{line + 1}",
            device_class=SensorDeviceClass.POWER,
            entity_registry_enabled_default=False,
            line=line,
            measurement=True,
            native_unit_of_measurement=UnitOfPower.WATT,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=0,
            value_fn=_line_power(line),
        )
        for line in range(3)
    ),
    ConnectorSensorDescription(
        key="offered",
        translation_key="offered",
        device_class=SensorDeviceClass.CURRENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        measurement=True,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda connector: rounded(connector.offered_a, 1),
    ),
    ConnectorSensorDescription(
        key="power_factor",
        translation_key="power_factor",
        device_class=SensorDeviceClass.POWER_FACTOR,
        entity_registry_enabled_default=False,
        measurement=True,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        value_fn=lambda connector: rounded(connector.power_factor, 2),
    ),
    ConnectorSensorDescription(
        key="frequency",
        translation_key="frequency",
        device_class=SensorDeviceClass.FREQUENCY,
        entity_registry_enabled_default=False,
        measurement=True,
        native_unit_of_measurement=UnitOfFrequency.HERTZ,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        value_fn=lambda connector: rounded(connector.frequency_hz, 1),
    ),
    ConnectorSensorDescription(
        key="state_of_charge",
        translation_key="state_of_charge",
        device_class=SensorDeviceClass.BATTERY,
        entity_registry_enabled_default=False,
        measurement=True,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda connector: rounded(connector.state_of_charge_pct, 0),
    ),
    ConnectorSensorDescription(
        key="temperature",
        translation_key="temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        measurement=True,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda connector: rounded(connector.temperature_c, 0),
    ),
    ConnectorSensorDescription(
        key="session_duration",
        translation_key="session_duration",
        device_class=SensorDeviceClass.DURATION,
        entity_registry_enabled_default=False,
        measurement=True,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        needs_connection=False,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=_session_minutes,
    ),
    ConnectorSensorDescription(
        key="session_start",
        translation_key="session_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        needs_connection=False,
        value_fn=lambda connector: connector.session_started_at,
    ),
)
"""What not all chargers report; each is shown from when it first was."""
