"""Read the sampled values of OCPP 1.6 (section 7.43), as chargers really write them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from .meter_quirks import NO_METER_QUIRKS, MeterQuirks
from .v16_measurands import (
    QUANTITIES,
    Line,
    Measurand,
    Quantity,
    Unit,
    line_named,
    measurand_named,
)

_WRITTEN = re.compile(
    r"\s*([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d{1,3})?)\s*([^\d\s.,]\S*)?\s*"
)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
MAX_LENGTH = 50
_MOST_LABELS = 2000
_MOST_NAMES = 1000
"""Names that mean nothing take no more than their half of the room."""
_KWH, _KW, _TENTHS = Unit(factor=1e3), Unit(factor=1e3), Unit(factor=0.1)
_LATEST_LAST = ("transaction.begin", "interruption.begin", "interruption.end")
_LAST_OF_ALL = "transaction.end"
_FARTHEST_LAST = ("outlet", "cable", "inlet", "body", "ev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a sample is of, and how its number is meant."""

    measurand: Measurand
    line: Line
    rank: tuple[int, int]
    """Of two samples of the same kind the one with the higher rank tells how it is now."""
    quantity: Quantity
    unit: Unit
    is_named: bool
    """Whether it names a unit."""
    is_plain: bool
    """Whether its number is the value, unless a unit is written behind it or a quirk is known."""
    minimum: float
    maximum: float
    is_share: bool
    """Whether it is a part of one."""


type Labels = Sequence[tuple[int, Label]]
"""What can be understood, by its index; of two values of the same kind the last one counts."""
type _Names = tuple[object, object, object, object, object, object]
_LABELS: dict[_Names, Label | None] = {}
"""Chargers repeat the same few names for ever, so that each is understood, or not, only once."""


def label_of(sampled_value: dict[str, Any]) -> Label | None:
    """Return what a value is of; None if it is of no known kind or in no known unit."""
    get = sampled_value.get
    names = (
        get("measurand"),
        get("phase"),
        get("unit"),
        get("context"),
        get("location"),
        get("format"),
    )
    try:
        return _LABELS[names]
    except KeyError:
        return _understood(names)
    except TypeError:
        # What is a list or an object names nothing.
        return None


def tell_nobody(_measurand: Measurand) -> None:
    """Tell nobody that a value was dropped."""


def read_values(
    labels: Labels,
    sampled_values: list[Any],
    quirks: MeterQuirks,
    on_dropped: Callable[[Measurand], None] = tell_nobody,
) -> dict[Measurand, dict[Line, float]]:
    """Return plausible values by what they are of, in the units that are reckoned in.

    `on_dropped` is told what those were of that cannot be, or are no numbers.
    """
    values: dict[Measurand, dict[Line, float]] = {}
    is_plain = quirks is NO_METER_QUIRKS
    for index, label in labels:
        written = sampled_values[index].get("value")
        value: float | None
        # Nearly all are numbers that mean what they say, and are read here: there are ten in each
        # message, and a call costs as much as the reading.
        if (
            is_plain
            and label.is_plain
            and type(written) is str
            and "_" not in written
            and len(written) <= MAX_LENGTH
        ):
            try:
                value = float(written)
            except ValueError:
                value = _converted(label, written, quirks)
        else:
            value = _converted(label, written, quirks)
        if value is None or not label.minimum <= value <= label.maximum:
            on_dropped(label.measurand)
            continue
        if label.measurand in values:
            values[label.measurand][label.line] = value
        else:
            values[label.measurand] = {label.line: value}
    return values


def _converted(label: Label, written: object, quirks: MeterQuirks) -> float | None:
    """Return a value that is written in whatever unit; None where that is not known."""
    if (parts := written_number(written)) is None:
        return None
    number, behind = parts
    unit = label.unit
    if behind:
        named = label.quantity.units.get(behind)
        if named is None or (label.is_named and named != unit):
            return None
        unit = named
    if quirks is not NO_METER_QUIRKS:
        unit = _meant(label.measurand, unit, quirks)
    value = (number + unit.offset) * unit.factor
    if label.is_share and 1.0 < abs(value) <= 100.0:
        # Above one it can only be a percentage.
        value /= 100.0
    return value


def written_number(value: object) -> tuple[float, str] | None:
    """Return a finite number and the unit that is written behind it, if there is one.

    A comma is one before decimals, except where it may as well part thousands.
    """
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return (float(value), "") if isfinite(value) else None
    if len(value) > MAX_LENGTH:
        return None
    try:
        number = float(value)
    except ValueError:
        pass
    else:
        if isfinite(number) and "_" not in value:
            return number, ""
    match = _WRITTEN.fullmatch(value)
    if match is None or _THOUSANDS.fullmatch(match[1]):
        return None
    number = float(match[1].replace(",", "."))
    return (number, (match[2] or "").lower()) if isfinite(number) else None


def _understood(names: _Names) -> Label | None:
    """Return what the names around a value mean."""
    texts: list[str | None] = []
    for name in names:
        if name is not None and not (isinstance(name, str) and len(name) <= MAX_LENGTH):
            return None
        texts.append(name)
    label = _label(*texts)
    if len(_LABELS) < (_MOST_NAMES if label is None else _MOST_LABELS):
        _LABELS[names] = label
    return label


def _label(
    measurand_name: str | None,
    phase: str | None,
    unit_name: str | None,
    context: str | None,
    location: str | None,
    data_format: str | None,
) -> Label | None:
    if (data_format or "").lower() == "signeddata":
        return None
    measurand, line = measurand_named(measurand_name or Measurand.ENERGY_IMPORT)
    if phase is not None:
        named_line = line_named(phase)
        if named_line is None:
            return None
        line = named_line
    if measurand is None:
        return None
    quantity = QUANTITIES[measurand]
    location = (location or "outlet").lower()
    if location == "ev" and not quantity.of_the_car:
        return None
    unit_name = (unit_name or "").strip().lower()
    unit = quantity.units.get(unit_name) if unit_name else quantity.default
    if unit is None:
        return None
    return Label(
        measurand=measurand,
        line=line,
        rank=(_context_rank((context or "").lower()), _location_rank(location)),
        quantity=quantity,
        unit=unit,
        is_named=bool(unit_name),
        is_plain=unit == Unit() and measurand is not Measurand.POWER_FACTOR,
        minimum=quantity.minimum,
        maximum=quantity.maximum,
        is_share=measurand is Measurand.POWER_FACTOR,
    )


def _meant(measurand: Measurand, named: Unit, quirks: MeterQuirks) -> Unit:
    match measurand:
        case Measurand.ENERGY_IMPORT if quirks.energy_in_kwh:
            return _KWH
        case Measurand.POWER_IMPORT if quirks.power_in_kw:
            return _KW
        case Measurand.CURRENT_IMPORT | Measurand.CURRENT_EXPORT if quirks.tenths_of_amperes:
            return _TENTHS
        case _:
            return named


def _context_rank(context: str) -> int:
    """Return how late in a session a value was taken, as far as its context tells."""
    if context == _LAST_OF_ALL:
        return len(_LATEST_LAST) + 1
    return _LATEST_LAST.index(context) if context in _LATEST_LAST else len(_LATEST_LAST)


def _location_rank(location: str) -> int:
    """Return how near to the car's plug a value was taken; names that are not known come last."""
    return -_FARTHEST_LAST.index(location) if location in _FARTHEST_LAST else -len(_FARTHEST_LAST)
