"""How a group's supply is measured: which sensors, and what their values mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    ElectricCurrentConverter,
    PowerConverter,
)

from .balancing.group import DEFAULT_METER_LOST_AFTER_S
from .balancing.phases import Phase
from .const import (
    CONF_ADVANCED,
    CONF_BATTERY,
    CONF_BATTERY_DIRECTION,
    CONF_DIRECTION,
    CONF_HEARTBEAT,
    CONF_KIND,
    CONF_LOST_AFTER_S,
    CONF_LOST_LOAD_A,
    CONF_MARGIN_A,
    CONF_MAX_AGE_S,
    CONF_OTHER_LOADS_A,
    CONF_SENSORS,
    CONF_VOLTAGE_V,
    CONF_VOLTAGES,
    DEFAULT_MARGIN_A,
    DEFAULT_VOLTAGE_V,
    POWER_FACTOR_BEFORE,
)


class SupplyKind(StrEnum):
    """What measures a group."""

    CURRENT = "current"
    """A current sensor per phase."""
    POWER = "power"
    """A signed power sensor per phase."""
    IMPORT_EXPORT = "import_export"
    """Two power sensors per phase, import and export apart."""
    TOTAL = "total"
    """One signed power sensor for all phases; its power is booked wholly on each of them."""
    NONE = "none"
    """Nothing: an amount for other loads is kept free."""

    @property
    def converter(self) -> type[BaseUnitConverter]:
        """The converter that knows the units which sensors of this kind may have."""
        return ElectricCurrentConverter if self is SupplyKind.CURRENT else PowerConverter


class Direction(StrEnum):
    """What a positive value of a signed sensor means."""

    IMPORT_POSITIVE = "import_positive"
    EXPORT_POSITIVE = "export_positive"


class BatteryDirection(StrEnum):
    """What a positive power of a house battery means."""

    DISCHARGE_POSITIVE = "discharge_positive"
    CHARGE_POSITIVE = "charge_positive"


TOTAL_SENSOR = "total"
VOLTAGE_WITHIN = 0.15
"""How far a grid's voltage may be from what it is said to be (EN 50160). What a sensor tells beyond
is something else, and would make a power seem to be less current than it is."""


def is_voltage_of_grid(voltage_v: float, said_v: float) -> bool:
    """Return whether a voltage can be that of a grid that is said to have another."""
    return abs(voltage_v - said_v) <= VOLTAGE_WITHIN * said_v


def sensor_names(kind: SupplyKind, phases: tuple[Phase, ...]) -> tuple[str, ...]:
    """Return the names of the sensors that a kind needs; they are the fields of its form."""
    lines = [phase.lower() for phase in phases]
    match kind:
        case SupplyKind.CURRENT | SupplyKind.POWER:
            return tuple(lines)
        case SupplyKind.IMPORT_EXPORT:
            return tuple(f"{way}_{line}" for line in lines for way in ("import", "export"))
        case SupplyKind.TOTAL:
            return (TOTAL_SENSOR,)
        case SupplyKind.NONE:
            return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """A group's supply as the user set it up."""

    kind: SupplyKind
    sensors: Mapping[str, str]
    """Entity ids by the names that `sensor_names` gives; some miss if the site got more phases."""
    phases: tuple[Phase, ...]
    direction: Direction = Direction.IMPORT_POSITIVE
    voltage_v: float = DEFAULT_VOLTAGE_V
    power_factor: float = POWER_FACTOR_BEFORE
    max_age_s: float | None = None
    """How long a sensor may be silent; None where that is learnt from how it reports."""
    heartbeat: str | None = None
    """An entity that reports as long as the source of the sensors lives."""
    lost_after_s: float = DEFAULT_METER_LOST_AFTER_S
    lost_load_a: float | None = None
    """What other loads take once the sensors are lost; None where that may be everything."""
    margin_a: float = DEFAULT_MARGIN_A
    other_loads_a: float = 0.0
    battery: str | None = None
    """The power of the house battery: what it gives is no surplus."""
    battery_direction: BatteryDirection = BatteryDirection.DISCHARGE_POSITIVE
    voltage_sensors: tuple[str, ...] = ()
    """What measures the voltages of the phases, if anything does."""

    @property
    def metered(self) -> bool:
        """Whether sensors measure the group."""
        return self.kind is not SupplyKind.NONE

    @property
    def entity_ids(self) -> frozenset[str]:
        """All entities that tell of the group, the one that only beats included."""
        others = (one for one in (self.heartbeat, self.battery) if one is not None)
        return frozenset((*self.sensors.values(), *others, *self.voltage_sensors))

    @classmethod
    def from_data(
        cls,
        data: Mapping[str, Any],
        phases: tuple[Phase, ...],
        *,
        power_factor: float = POWER_FACTOR_BEFORE,
    ) -> Supply:
        """Read what a config entry or subentry keeps."""
        kind = SupplyKind(data[CONF_KIND])
        if kind is SupplyKind.NONE:
            return cls(
                kind=kind,
                sensors={},
                phases=phases,
                margin_a=0.0,
                other_loads_a=data[CONF_OTHER_LOADS_A],
            )
        advanced = data[CONF_ADVANCED]
        return cls(
            kind=kind,
            sensors={
                name: data[CONF_SENSORS][name]
                for name in sensor_names(kind, phases)
                if name in data[CONF_SENSORS]
            },
            phases=phases,
            direction=Direction(data.get(CONF_DIRECTION, Direction.IMPORT_POSITIVE)),
            voltage_v=advanced.get(CONF_VOLTAGE_V, DEFAULT_VOLTAGE_V),
            power_factor=power_factor,
            max_age_s=advanced.get(CONF_MAX_AGE_S),
            heartbeat=advanced.get(CONF_HEARTBEAT),
            lost_after_s=advanced.get(CONF_LOST_AFTER_S, DEFAULT_METER_LOST_AFTER_S),
            lost_load_a=advanced.get(CONF_LOST_LOAD_A),
            margin_a=advanced[CONF_MARGIN_A],
            battery=advanced.get(CONF_BATTERY),
            battery_direction=BatteryDirection(
                advanced.get(CONF_BATTERY_DIRECTION, BatteryDirection.DISCHARGE_POSITIVE)
            ),
            voltage_sensors=tuple(advanced.get(CONF_VOLTAGES, ())),
        )
