"""Home Assistant's sensors, read as grid currents and reported to the site."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
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

from .balancing.phases import Phase, PhaseCurrents
from .signs_of_life import SignsOfLife
from .supply import TOTAL_SENSOR, Direction, Supply, SupplyKind, sensor_names

type MeterListener = Callable[[str, MeterReport | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReport:
    """What the sensors of a group tell, and for how long that is worth something."""

    currents: PhaseCurrents
    age_s: float
    """How long ago the one that is silent for longest was heard of."""
    fresh_for_s: float
    """For how long the first of them to age is fresh, should none report again."""


def read_supply(supply: Supply, states: Mapping[str, State | None]) -> PhaseCurrents | None:
    """Return a group's signed grid currents, import positive; None where they are not known.

    One value that is missing, not a finite number or in an unknown unit spoils all.
    """
    values: dict[str, float] = {}
    for name in sensor_names(supply.kind, supply.phases):
        value = _read_state(supply, states.get(supply.sensors.get(name, "")))
        if value is None:
            return None
        values[name] = value
    currents_a = {phase: _phase_current_a(supply, phase, values) for phase in supply.phases}
    return PhaseCurrents(**{phase.lower(): current_a for phase, current_a in currents_a.items()})


def _read_state(supply: Supply, state: State | None) -> float | None:
    """Return a state in A or W; None where it does not say."""
    if state is None:
        return None
    converter = supply.kind.converter
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if unit not in converter.VALID_UNITS:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    if not isfinite(value):
        return None
    to_unit = "A" if supply.kind is SupplyKind.CURRENT else "W"
    return converter.convert(value, unit, to_unit)


def _phase_current_a(supply: Supply, phase: Phase, values: Mapping[str, float]) -> float:
    sign = -1.0 if supply.direction is Direction.EXPORT_POSITIVE else 1.0
    line = phase.lower()
    match supply.kind:
        case SupplyKind.CURRENT:
            return sign * values[line]
        case SupplyKind.POWER:
            return _current_a(supply, sign * values[line])
        case SupplyKind.IMPORT_EXPORT:
            return _current_a(supply, values[f"import_{line}"] - values[f"export_{line}"])
        case _:
            return _current_a(supply, sign * values[TOTAL_SENSOR])


def _current_a(supply: Supply, power_w: float) -> float:
    active_a = power_w / supply.voltage_v
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
            entity_id: self._hass.states.get(entity_id)
            for entity_id in self._supply.sensors.values()
        }
        self._listener(self._group_id, self._read(states, dt_util.utcnow()))

    def _read(self, states: Mapping[str, State | None], now: datetime) -> MeterReport | None:
        currents = read_supply(self._supply, states)
        life = self._signs.of_sensors(now)
        if currents is None or life is None:
            return None
        return MeterReport(
            currents=currents,
            age_s=(now - life.last_heard).total_seconds(),
            fresh_for_s=(life.fresh_until - now).total_seconds(),
        )


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
