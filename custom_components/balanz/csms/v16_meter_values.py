"""Read the meter values of OCPP 1.6 (sections 7.31 to 7.33, 7.43), as chargers really send them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from .events import MeterValues
from .lenient import number, timestamp

_CURRENT = "Current.Import"
_OFFERED = "Current.Offered"
_POWER = "Power.Active.Import"
_ENERGY = "Energy.Active.Import.Register"
_VOLTAGE = "Voltage"
MAX_VALUES = 100
"""More in one message come of no charger that works; they must not hold up the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    """How a measurand is given: units with their factors, and what is plausible."""

    units: dict[str, float]
    default_unit: str
    minimum: float
    maximum: float


_CURRENTS = _Quantity(units={"a": 1.0, "ma": 0.001}, default_unit="a", minimum=0.0, maximum=1e3)
_QUANTITIES = {
    _CURRENT: _CURRENTS,
    _OFFERED: _CURRENTS,
    _POWER: _Quantity(units={"w": 1.0, "kw": 1e3}, default_unit="w", minimum=0.0, maximum=1e6),
    _ENERGY: _Quantity(units={"wh": 1.0, "kwh": 1e3}, default_unit="wh", minimum=0.0, maximum=1e12),
    _VOLTAGE: _Quantity(units={"v": 1.0}, default_unit="v", minimum=50.0, maximum=1e3),
}
_LINES = {"l1": 0, "l2": 1, "l3": 2, "l1-n": 0, "l2-n": 1, "l3-n": 2}

type _Kind = tuple[str, int | None, float, float, float]
"""Measurand, line, factor to its first unit, and the least and the most that is plausible."""
type _Samples = dict[int | None, float]
"""Values by line, counted from 0; None is the line of a value that names no phase."""


def parse_meter_values(
    meter_values: object, received_at: datetime
) -> Iterator[tuple[MeterValues, datetime | None]]:
    """Yield each sample with its own timestamp, None where it has none; the rest is dropped."""
    for meter_value in meter_values[-MAX_VALUES:] if isinstance(meter_values, list) else []:
        if not isinstance(meter_value, dict):
            continue
        stamped_at = timestamp(meter_value.get("timestamp"))
        values = _parse_one(meter_value.get("sampledValue"), stamped_at or received_at)
        if values is not None:
            yield values, stamped_at


def _parse_one(sampled_values: object, measured_at: datetime) -> MeterValues | None:
    samples: dict[str, _Samples] = {measurand: {} for measurand in _QUANTITIES}
    for sampled_value in sampled_values[:MAX_VALUES] if isinstance(sampled_values, list) else []:
        if not isinstance(sampled_value, dict):
            continue
        field = sampled_value.get
        # Each message has some ten samples, nearly all of kinds that are looked up at once.
        usual = (field("measurand", _ENERGY), field("unit"), field("phase"))
        try:
            kind = _USUAL_KINDS[usual]
        except KeyError, TypeError:
            kind = _kind(*usual)
        if kind is None or (value := number(field("value"))) is None:
            continue
        measurand, line, factor, minimum, maximum = kind
        value *= factor
        if minimum <= value <= maximum:
            samples[measurand][line] = value
    currents_a, per_phase = _currents(samples)
    power_w = _total(samples[_POWER])
    energy_wh = _total(samples[_ENERGY])
    offered_a = max(samples[_OFFERED].values(), default=None)
    if currents_a is None and power_w is None and energy_wh is None and offered_a is None:
        return None
    return MeterValues(
        currents_a=currents_a,
        per_phase=per_phase,
        power_w=power_w,
        energy_wh=energy_wh,
        offered_a=offered_a,
        measured_at=measured_at,
    )


def _kind(measurand: object, unit: object, phase: object) -> _Kind | None:
    """Return of what kind a sample is; None if it is of none that is known."""
    quantity = _QUANTITIES.get(measurand) if isinstance(measurand, str) else None
    if quantity is None:
        return None
    factor = quantity.units.get(quantity.default_unit if unit is None else str(unit).lower())
    line = None if phase is None else _LINES.get(str(phase).lower())
    if factor is None or (line is None and phase is not None):
        return None
    return str(measurand), line, factor, quantity.minimum, quantity.maximum


_USUAL_KINDS = {
    (measurand, unit, phase): _kind(measurand, unit, phase)
    for measurand in _QUANTITIES
    for unit in (None, "A", "W", "kW", "Wh", "kWh", "V")
    for phase in (None, *(line.upper() for line in _LINES))
}
"""What nearly all chargers send."""


def _total(samples: _Samples) -> float | None:
    """Return the value for all lines: as the charger gives it, else the sum of what it gives."""
    if not samples:
        return None
    return samples[None] if None in samples else sum(samples.values())


def _currents(samples: dict[str, _Samples]) -> tuple[tuple[float, ...] | None, bool]:
    """Return the currents per line, and whether the charger told the lines apart."""
    by_line = _by_line(samples[_CURRENT])
    if not by_line and None in samples[_CURRENT]:
        return (samples[_CURRENT][None],), False
    if not by_line:
        voltages_v = samples[_VOLTAGE]
        for line, power_w in _by_line(samples[_POWER]).items():
            voltage_v = voltages_v.get(line, voltages_v.get(None))
            if voltage_v is None:
                return None, False
            by_line[line] = power_w / voltage_v
    if not by_line:
        return None, False
    if sorted(by_line) != list(range(len(by_line))):
        # A single line that calls itself L2 names the grid's phase; a gap is no zero.
        return (max(by_line.values()),), False
    return tuple(by_line[line] for line in sorted(by_line)), True


def _by_line(samples: _Samples) -> dict[int, float]:
    return {line: value for line, value in samples.items() if line is not None}
