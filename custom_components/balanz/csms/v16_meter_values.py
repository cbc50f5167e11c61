"""Read the meter values of OCPP 1.6 (sections 7.31 to 7.33, 7.43), as chargers really send them."""

from collections.abc import Callable
from datetime import datetime
from math import sqrt

from .events import UNKNOWN_LINES, MeterValues, PerLine
from .lenient import timestamp
from .meter_quirks import NO_METER_QUIRKS, MeterQuirks
from .repeated_json import Sampled
from .v16_measurands import BETWEEN_LINES, LINES, Line, Measurand
from .v16_meter_layouts import labels_of, layout_of
from .v16_sampled_value import read_values, tell_nobody
from .v16_usual_values import BETWEEN_LINES_ABOVE_V, NO_LOAD_BELOW_W

MAX_VALUES = 100
"""More in one message come of no charger that works; they must not hold up the others."""
_NOMINAL_VOLTAGE_V = 230.0
_LOADED_ABOVE_A = 5.0

type _Values = dict[Line, float]
type _Samples = dict[Measurand, _Values]
_NONE: _Values = {}


def parse_meter_values(
    meter_values: object,
    received_at: datetime,
    quirks: MeterQuirks = NO_METER_QUIRKS,
    on_dropped: Callable[[Measurand], None] = tell_nobody,
) -> list[tuple[MeterValues, datetime | None]]:
    """Return each sample with its own timestamp, None where it has none; the rest is dropped.

    `on_dropped` is told what values were of that cannot be.
    """
    read: list[tuple[MeterValues, datetime | None]] = []
    for meter_value in meter_values[-MAX_VALUES:] if isinstance(meter_values, list) else ():
        if not isinstance(meter_value, dict):
            continue
        stamped_at = timestamp(meter_value.get("timestamp"))
        values = _read(
            meter_value.get("sampledValue"), stamped_at or received_at, quirks, on_dropped
        )
        if values is not None:
            read.append((values, stamped_at))
    return read


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


def _read(
    sampled_values: object,
    measured_at: datetime,
    quirks: MeterQuirks,
    on_dropped: Callable[[Measurand], None],
) -> MeterValues | None:
    if isinstance(sampled_values, Sampled):
        layout = layout_of(sampled_values)
        if layout.usual is not None and quirks is NO_METER_QUIRKS:
            values = layout.usual.read(sampled_values.numbers, measured_at)
            if values is not None:
                return values
        samples = read_values(layout.labels, sampled_values.unfolded(), quirks, on_dropped)
    elif isinstance(sampled_values, list):
        labels = labels_of(sampled_values[:MAX_VALUES])
        samples = read_values(labels, sampled_values, quirks, on_dropped)
    else:
        return None
    exported = samples.pop(Measurand.CURRENT_EXPORT, None)
    if exported and quirks.export_is_import:
        # Where both are told, the one that is not meant is 0.
        imported = samples.setdefault(Measurand.CURRENT_IMPORT, {})
        for line, current_a in exported.items():
            imported[line] = max(current_a, imported.get(line, 0.0))
    return _combined(samples, measured_at, quirks) if samples else None


def _combined(samples: _Samples, measured_at: datetime, quirks: MeterQuirks) -> MeterValues:
    get = samples.get
    current = get(Measurand.CURRENT_IMPORT, _NONE)
    voltages_v = _voltages(get(Measurand.VOLTAGE, _NONE))
    power = get(Measurand.POWER_IMPORT, _NONE)
    power_w = _total(power)
    if power_w and power_w < NO_LOAD_BELOW_W and _is_kilo(power_w, current, voltages_v):
        power = {line: value * 1e3 for line, value in power.items()}
        power_w *= 1e3
    powers_w = _per_line(power)
    currents_a, per_phase = _currents(current, powers_w, voltages_v, quirks)
    return MeterValues(
        currents_a,
        per_phase,
        power_w,
        _total(get(Measurand.ENERGY_IMPORT, _NONE)),
        _largest(get(Measurand.CURRENT_OFFERED)),
        measured_at,
        current.get(Line.NEUTRAL),
        voltages_v,
        powers_w,
        _smallest(get(Measurand.POWER_FACTOR)),
        _largest(get(Measurand.FREQUENCY)),
        _largest(get(Measurand.STATE_OF_CHARGE)),
        _largest(get(Measurand.TEMPERATURE)),
    )


def _largest(values: _Values | None) -> float | None:
    return max(values.values()) if values else None


def _smallest(values: _Values | None) -> float | None:
    return min(values.values()) if values else None


def _per_line(values: _Values) -> PerLine:
    if not values:
        return UNKNOWN_LINES
    return (values.get(Line.L1), values.get(Line.L2), values.get(Line.L3))


def _known(per_line: PerLine) -> list[float]:
    return [value for value in per_line if value is not None]


def _total(values: _Values) -> float | None:
    """Return the value for all lines: as the charger gives it, else the sum of what it gives."""
    if not values or Line.ALL in values:
        return values.get(Line.ALL)
    return sum(known) if (known := _known(_per_line(values))) else None


def _voltages(values: _Values) -> PerLine:
    """Return the voltage of each line to neutral, also where it is given between two lines."""
    per_line_v = _per_line(values)
    if values and None in per_line_v:
        everywhere = values.get(Line.ALL)
        l1, l2, l3 = (
            values.get(line, values.get(between, everywhere))
            for line, between in zip(LINES, BETWEEN_LINES, strict=True)
        )
    else:
        l1, l2, l3 = per_line_v
    return (_to_neutral(l1), _to_neutral(l2), _to_neutral(l3))


def _to_neutral(voltage_v: float | None) -> float | None:
    if voltage_v is None or voltage_v <= BETWEEN_LINES_ABOVE_V:
        return voltage_v
    return voltage_v / sqrt(3.0)


def _is_kilo(power_w: float, current: _Values, voltages_v: PerLine) -> bool:
    """Return whether powers are in kW although they are called W: currents give them away."""
    largest_a = max(current.values(), default=0.0)
    if largest_a < _LOADED_ABOVE_A:
        return False
    of_lines_a = _known(_per_line(current))
    voltage_v = max(_known(voltages_v), default=_NOMINAL_VOLTAGE_V)
    least_w = voltage_v * largest_a
    most_w = voltage_v * (sum(of_lines_a) if of_lines_a else 3.0 * largest_a)
    return 0.7 * least_w <= power_w * 1e3 <= 1.3 * most_w


def _currents(
    current: _Values, powers_w: PerLine, voltages_v: PerLine, quirks: MeterQuirks
) -> tuple[tuple[float, ...] | None, bool]:
    """Return the currents per line, and whether the charger told the lines apart."""
    per_line_a = _per_line(current)
    if per_line_a == UNKNOWN_LINES:
        if Line.ALL in current:
            return (current[Line.ALL],), False
        per_line_a = _by_powers(powers_w, voltages_v)
    elif quirks.spreads_one_line:
        return (sum(_known(per_line_a)),), False
    known_a = tuple(_known(per_line_a))
    if not known_a:
        return None, False
    if per_line_a[: len(known_a)] != known_a:
        # A single line that calls itself L2 names the grid's phase; a gap is no zero.
        return (max(known_a),), False
    return known_a, True


def _by_powers(powers_w: PerLine, voltages_v: PerLine) -> PerLine:
    """Return the current of each line that has a power; none where a voltage is not known."""
    currents_a: list[float | None] = []
    for power_w, voltage_v in zip(powers_w, voltages_v, strict=True):
        if power_w is None:
            currents_a.append(None)
        elif voltage_v is None:
            return UNKNOWN_LINES
        else:
            currents_a.append(power_w / voltage_v)
    l1, l2, l3 = currents_a
    return (l1, l2, l3)
