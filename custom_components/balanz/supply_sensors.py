"""Home Assistant's sensors, read as grid currents and reported to the site."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfPower,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    ElectricPotentialConverter,
    PowerConverter,
)

from .balancing.phases import Phase, PhaseCurrents
from .const import DEFAULT_VOLTAGE_V
from .signs_of_life import SignsOfLife
from .supply import (
    TOTAL_SENSOR,
    BatteryDirection,
    Direction,
    Supply,
    SupplyKind,
    is_voltage_of_grid,
    sensor_names,
)

type MeterListener = Callable[[str, MeterReport | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReport:
    """What the sensors of a group tell, and for how long that is worth something."""

    currents: PhaseCurrents
    age_s: float
    """How long ago the one that is silent for longest was heard of."""
    fresh_for_s: float
    """For how long the first of them to age is fresh, should none report again."""
    voltage_v: float = DEFAULT_VOLTAGE_V
    """The highest of all phases, as far as it is measured; else what it was said to be."""
    battery_discharge_a: float | None = 0.0
    """What the house battery gives, A over all phases; None while it does not tell."""


def read_supply(
    supply: Supply, states: Mapping[str, State | None], voltage_v: float | None = None
) -> PhaseCurrents | None:
    """Return a group's signed grid currents, import positive; None where they are not known.

    One value that is missing, not a finite number or in an unknown unit spoils all. Without a
    measured voltage, power is divided by the one that the supply is said to have.
    """
    if voltage_v is None:
        voltage_v = supply.voltage_v
    converter = supply.kind.converter
    to_unit = (
        UnitOfElectricCurrent.AMPERE if supply.kind is SupplyKind.CURRENT else UnitOfPower.WATT
    )
    values: dict[str, float] = {}
    for name in sensor_names(supply.kind, supply.phases):
        value = read_state(states.get(supply.sensors.get(name, "")), converter, to_unit)
        if value is None:
            return None
        values[name] = value
    currents_a = {
        phase: _phase_current_a(supply, phase, values, voltage_v) for phase in supply.phases
    }
    return PhaseCurrents(**{phase.lower(): current_a for phase, current_a in currents_a.items()})


def read_state(
    state: State | None, converter: type[BaseUnitConverter], to_unit: str
) -> float | None:
    """Return the value of a sensor in a unit; None where it does not say."""
    if state is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if unit not in converter.VALID_UNITS:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    if not isfinite(value):
        return None
    return converter.convert(value, unit, to_unit)


def _phase_current_a(
    supply: Supply, phase: Phase, values: Mapping[str, float], voltage_v: float
) -> float:
    sign = -1.0 if supply.direction is Direction.EXPORT_POSITIVE else 1.0
    line = phase.lower()
    match supply.kind:
        case SupplyKind.CURRENT:
            return sign * values[line]
        case SupplyKind.POWER:
            return _current_a(supply, sign * values[line], voltage_v)
        case SupplyKind.IMPORT_EXPORT:
            power_w = values[f"import_{line}"] - values[f"export_{line}"]
            return _current_a(supply, power_w, voltage_v)
        case _:
            return _current_a(supply, sign * values[TOTAL_SENSOR], voltage_v)


def _current_a(supply: Supply, power_w: float, voltage_v: float) -> float:
    active_a = power_w / voltage_v
    # An export of more amperes than of active ones would be surplus that is not there.
    return active_a / supply.power_factor if active_a > 0 else active_a


class SupplyWatcher:
    """Watches the sensors of one group and reports each reading, and its loss, at once.

    That they age is not reported: each report says for how long it is fresh.
    """

    def __init__(
        self, hass: HomeAssistant, group_id: str, supply: Supply, listener: MeterListener
    ) -> None:
        """Start to watch; the first report is made before this returns."""
        self._hass = hass
        self._group_id = group_id
        self._supply = supply
        self._listener = listener
        self._signs = SignsOfLife(supply)
        entity_ids = sorted(supply.entity_ids)
        for entity_id in entity_ids:
            self._signs.heard(hass.states.get(entity_id))
        # A sensor that keeps its value reports it without changing its state: still alive.
        self._unsubscribe = (
            async_track_state_change_event(hass, entity_ids, self._state_changed),
            async_track_state_report_event(hass, entity_ids, self._state_changed),
        )
        self._report()

    @property
    def missing(self) -> tuple[str, ...]:
        """The entity ids for which Home Assistant has no state at all."""
        return tuple(
            entity_id
            for entity_id in sorted(self._supply.entity_ids)
            if self._hass.states.get(entity_id) is None
        )

    @callback
    def stop(self) -> None:
        """Stop to watch."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    @callback
    def _state_changed(
        self, event: Event[EventStateChangedData] | Event[EventStateReportedData]
    ) -> None:
        self._signs.heard(event.data["new_state"])
        self._report()

    def _report(self) -> None:
        states = {
            entity_id: self._hass.states.get(entity_id) for entity_id in self._supply.entity_ids
        }
        self._listener(self._group_id, self._read(states, dt_util.utcnow()))

    def _read(self, states: Mapping[str, State | None], now: datetime) -> MeterReport | None:
        voltages_v = list(self._voltages_v(states, now))
        # Of a power, the lowest voltage makes the most current.
        currents = read_supply(self._supply, states, min(voltages_v, default=None))
        life = self._signs.of_sensors(now)
        if currents is None or life is None:
            return None
        return MeterReport(
            currents=currents,
            age_s=(now - life.last_heard).total_seconds(),
            fresh_for_s=(life.fresh_until - now).total_seconds(),
            voltage_v=max(voltages_v, default=self._supply.voltage_v),
            battery_discharge_a=self._battery_discharge_a(states, now),
        )

    def _voltages_v(self, states: Mapping[str, State | None], now: datetime) -> Iterator[float]:
        """Yield what is measured of the phases' voltages, in whole V."""
        for entity_id in self._supply.voltage_sensors:
            state = self._told_lately(states.get(entity_id), now)
            voltage_v = read_state(state, ElectricPotentialConverter, UnitOfElectricPotential.VOLT)
            if voltage_v is not None and is_voltage_of_grid(voltage_v, self._supply.voltage_v):
                yield round(voltage_v)

    def _battery_discharge_a(
        self, states: Mapping[str, State | None], now: datetime
    ) -> float | None:
        if self._supply.battery is None:
            return 0.0
        state = self._told_lately(states.get(self._supply.battery), now)
        power_w = read_state(state, PowerConverter, UnitOfPower.WATT)
        if power_w is None:
            return None
        if self._supply.battery_direction is BatteryDirection.CHARGE_POSITIVE:
            power_w = -power_w
        return max(power_w, 0.0) / self._supply.voltage_v

    def _told_lately(self, state: State | None, now: datetime) -> State | None:
        """Return a state; None where nothing was heard of it for so long that it may be wrong."""
        if state is None or now - state.last_reported > timedelta(
            seconds=self._supply.lost_after_s
        ):
            return None
        return state


class SupplySensors:
    """The watchers of all metered groups of a site."""

    def __init__(self, hass: HomeAssistant, listener: MeterListener) -> None:
        """Watch nothing yet."""
        self._hass = hass
        self._listener = listener
        self._supplies: dict[str, Supply] = {}
        self._watchers: dict[str, SupplyWatcher] = {}

    @property
    def missing(self) -> dict[str, tuple[str, ...]]:
        """Sensors that do not exist, by group id; groups that miss none are left out."""
        return {
            group_id: missing
            for group_id, watcher in self._watchers.items()
            if (missing := watcher.missing)
        }

    @callback
    def update(self, supplies: Mapping[str, Supply]) -> None:
        """Watch what is asked for now; groups that stay as they are are not disturbed."""
        metered = {group_id: supply for group_id, supply in supplies.items() if supply.metered}
        for group_id in list(self._watchers):
            if self._supplies[group_id] != metered.get(group_id):
                self._watchers.pop(group_id).stop()
        for group_id, supply in metered.items():
            if group_id not in self._watchers:
                self._watchers[group_id] = SupplyWatcher(
                    self._hass, group_id, supply, self._listener
                )
        self._supplies = metered

    @callback
    def stop(self) -> None:
        """Stop all watchers."""
        for watcher in self._watchers.values():
            watcher.stop()
        self._watchers.clear()
        self._supplies.clear()
