"""Read the meter values of OCPP 1.6 (sections 7.31 to 7.33, 7.43), as chargers really send them."""

from collections.abc import Iterator
from datetime import datetime
from math import sqrt

from .events import UNKNOWN_LINES, MeterValues, PerLine
from .lenient import timestamp
from .meter_quirks import NO_METER_QUIRKS, MeterQuirks
from .v16_measurands import BETWEEN_LINES, LINES, Line, Measurand
from .v16_sampled_value import read_sample

MAX_VALUES = 100
"""More in one message come of no charger that works; they must not hold up the others."""
_BETWEEN_LINES_ABOVE_V = 330.0
"""No grid has more than this between a line and neutral."""
_NOMINAL_VOLTAGE_V = 230.0
_LOADED_ABOVE_A = 5.0
_NO_LOAD_BELOW_W = 200.0

_WITHOUT_A_GAP = ((0,), (0, 1), (0, 1, 2))

type _Values = dict[Line, float]
type _Samples = dict[Measurand, _Values]
_NONE: _Values = {}


def parse_meter_values(
    meter_values: object, received_at: datetime, quirks: MeterQuirks = NO_METER_QUIRKS
) -> Iterator[tuple[MeterValues, datetime | None]]:
    """Yield each sample with its own timestamp, None where it has none; the rest is dropped."""
    for meter_value in meter_values[-MAX_VALUES:] if isinstance(meter_values, list) else []:
        if not isinstance(meter_value, dict):
            continue
        stamped_at = timestamp(meter_value.get("timestamp"))
        samples = _read_samples(meter_value.get("sampledValue"), quirks)
        if samples:
            yield _combined(samples, stamped_at or received_at, quirks), stamped_at


def last_register_wh(
    meter_values: object, received_at: datetime, quirks: MeterQuirks = NO_METER_QUIRKS
) -> float | None:
    """Return the newest value of the energy register; None where there is none."""
    read = [
        (values.measured_at, values.energy_wh)
        for values, _ in parse_meter_values(meter_values, received_at, quirks)
        if values.energy_wh is not None
    ]
    return max(read)[1] if read else None


def _read_samples(sampled_values: object, quirks: MeterQuirks) -> _Samples:
    samples: _Samples = {}
    ranks: dict[tuple[Measurand, Line], tuple[int, int]] = {}
    for sampled_value in sampled_values[:MAX_VALUES] if isinstance(sampled_values, list) else []:
        sample = read_sample(sampled_value, quirks) if isinstance(sampled_value, dict) else None
        if sample is None:
            continue
        label, value = sample
        measurand, line = label.measurand, label.line
        by_line = samples.get(measurand)
        if by_line is None:
            by_line = samples[measurand] = {}
        if line not in by_line or label.rank >= ranks[measurand, line]:
            ranks[measurand, line] = label.rank
            by_line[line] = value
    if not quirks.export_is_import:
        samples.pop(Measurand.CURRENT_EXPORT, None)
    return samples


def _combined(samples: _Samples, measured_at: datetime, quirks: MeterQuirks) -> MeterValues:
    get = samples.get
    current = get(Measurand.CURRENT_IMPORT) or get(Measurand.CURRENT_EXPORT) or _NONE
    current_by_line = _by_line(current)
    voltages_v = _voltages(get(Measurand.VOLTAGE, _NONE))
    power = get(Measurand.POWER_IMPORT, _NONE)
    power_w = _total(power)
    if power_w and power_w < _NO_LOAD_BELOW_W and _is_kilo(power_w, current, voltages_v):
        power = {line: value * 1e3 for line, value in power.items()}
        power_w *= 1e3
    currents_a, per_phase = _currents(current, current_by_line, power, voltages_v, quirks)
    return MeterValues(
        currents_a=currents_a,
        per_phase=per_phase,
        power_w=power_w,
        energy_wh=_total(get(Measurand.ENERGY_IMPORT, _NONE)),
        offered_a=_largest(get(Measurand.CURRENT_OFFERED)),
        measured_at=measured_at,
        neutral_a=current.get(Line.NEUTRAL),
        voltages_v=voltages_v,
        powers_w=_per_line(power),
        power_factor=_smallest(get(Measurand.POWER_FACTOR)),
        frequency_hz=_largest(get(Measurand.FREQUENCY)),
        state_of_charge_pct=_largest(get(Measurand.STATE_OF_CHARGE)),
        temperature_c=_largest(get(Measurand.TEMPERATURE)),
    )


def _largest(values: _Values | None) -> float | None:
    return max(values.values()) if values else None


def _smallest(values: _Values | None) -> float | None:
    return min(values.values()) if values else None


def _per_line(values: _Values) -> PerLine:
    if not values:
        return UNKNOWN_LINES
    return (values.get(Line.L1), values.get(Line.L2), values.get(Line.L3))


def _by_line(values: _Values) -> dict[int, float]:
    """Return the values of single lines, counted from 0 and in their order."""
    if not values:
        return {}
    return {number: values[line] for number, line in enumerate(LINES) if line in values}


def _total(values: _Values) -> float | None:
    """Return the value for all lines: as the charger gives it, else the sum of what it gives."""
    if Line.ALL in values:
        return values[Line.ALL]
    return sum(by_line.values()) if (by_line := _by_line(values)) else None


def _voltages(values: _Values) -> PerLine:
    """Return the voltage of each line to neutral, also where it is given between two lines."""
    if not values:
        return UNKNOWN_LINES
    get = values.get
    if Line.ALL in values or not values.keys().isdisjoint(BETWEEN_LINES):
        everywhere = get(Line.ALL)
        l1, l2, l3 = (
            get(line, get(between, everywhere))
            for line, between in zip(LINES, BETWEEN_LINES, strict=True)
        )
    else:
        l1, l2, l3 = get(Line.L1), get(Line.L2), get(Line.L3)
    return (_to_neutral(l1), _to_neutral(l2), _to_neutral(l3))


def _to_neutral(voltage_v: float | None) -> float | None:
    if voltage_v is None or voltage_v <= _BETWEEN_LINES_ABOVE_V:
        return voltage_v
    return voltage_v / sqrt(3.0)


def _is_kilo(power_w: float, current: _Values, voltages_v: PerLine) -> bool:
    """Return whether powers are in kW although they are called W: currents give them away."""
    largest_a = max(current.values(), default=0.0)
    if largest_a < _LOADED_ABOVE_A:
        return False
    by_line = _by_line(current)
    known_v = [voltage_v for voltage_v in voltages_v if voltage_v is not None]
    voltage_v = max(known_v, default=_NOMINAL_VOLTAGE_V)
    least_w = voltage_v * largest_a
    most_w = voltage_v * (sum(by_line.values()) if by_line else 3.0 * largest_a)
    return 0.7 * least_w <= power_w * 1e3 <= 1.3 * most_w


def _currents(
    current: _Values,
    by_line: dict[int, float],
    power: _Values,
    voltages_v: PerLine,
    quirks: MeterQuirks,
) -> tuple[tuple[float, ...] | None, bool]:
    """Return the currents per line, and whether the charger told the lines apart."""
    if by_line and quirks.spreads_one_line:
        return (sum(by_line.values()),), False
    if not by_line and Line.ALL in current:
        return (current[Line.ALL],), False
    if not by_line:
        for number, power_w in _by_line(power).items():
            voltage_v = voltages_v[number]
            if voltage_v is None:
                return None, False
            by_line[number] = power_w / voltage_v
    if not by_line:
        return None, False
    if tuple(by_line) not in _WITHOUT_A_GAP:
        # A single line that calls itself L2 names the grid's phase; a gap is no zero.
        return (max(by_line.values()),), False
    return tuple(by_line.values()), True
