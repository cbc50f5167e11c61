"""The measurands of OCPP 1.6 (section 7.31): in which units they come, and what is plausible."""

from dataclasses import dataclass, field
from enum import StrEnum


class Measurand(StrEnum):
    """What balanz reads of all that a meter can tell; the others are passed over."""

    CURRENT_EXPORT = "current.export"
    CURRENT_IMPORT = "current.import"
    CURRENT_OFFERED = "current.offered"
    ENERGY_IMPORT = "energy.active.import.register"
    FREQUENCY = "frequency"
    POWER_FACTOR = "power.factor"
    POWER_IMPORT = "power.active.import"
    STATE_OF_CHARGE = "soc"
    TEMPERATURE = "temperature"
    VOLTAGE = "voltage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a unit becomes the one that is reckoned in: first the offset, then the factor."""

    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """How a measurand is given. Bounds are in the unit that is reckoned in."""

    units: dict[str, Unit]
    """By their names in lower case, as the standard and as chargers spell them."""
    minimum: float
    maximum: float
    of_the_car: bool = False
    """Whether it may be measured in the car; currents there may be those of its battery."""
    default: Unit = field(default_factory=Unit)
    """Where none is named."""


_ONE, _KILO, _MILLI = Unit(), Unit(factor=1e3), Unit(factor=1e-3)
_AMPERES = dict.fromkeys(("a", "amp", "amps", "ampere", "amperes"), _ONE) | {"ma": _MILLI}
_WATTS = dict.fromkeys(("w", "watt", "watts", "va"), _ONE) | dict.fromkeys(("kw", "kva"), _KILO)
_WATT_HOURS = dict.fromkeys(("wh", "w/h", "w.h"), _ONE) | dict.fromkeys(
    ("kwh", "kw/h", "kw.h", "kwhr"), _KILO
)
_VOLTS = dict.fromkeys(("v", "volt", "volts"), _ONE) | {"mv": _MILLI, "kv": _KILO}
_CELSIUS = dict.fromkeys(("c", "°c", "celsius", "celcius", "degc"), _ONE)
_FAHRENHEIT = dict.fromkeys(("f", "°f", "fahrenheit"), Unit(offset=-32.0, factor=5.0 / 9.0))
_KELVIN = dict.fromkeys(("k", "kelvin"), Unit(offset=-273.15))
_PERCENT = dict.fromkeys(("percent", "%", "percentage"), _ONE)
_NO_UNIT = dict.fromkeys(("", "-", "pf", "none"), _ONE)

_CURRENT = Quantity(units=_AMPERES, minimum=0.0, maximum=1e3)
QUANTITIES: dict[Measurand, Quantity] = {
    Measurand.CURRENT_EXPORT: _CURRENT,
    Measurand.CURRENT_IMPORT: _CURRENT,
    Measurand.CURRENT_OFFERED: _CURRENT,
    Measurand.ENERGY_IMPORT: Quantity(units=_WATT_HOURS, minimum=0.0, maximum=1e12),
    Measurand.FREQUENCY: Quantity(
        units=dict.fromkeys(("hz", "hertz"), _ONE), minimum=40.0, maximum=70.0
    ),
    Measurand.POWER_FACTOR: Quantity(
        units=_NO_UNIT | dict.fromkeys(_PERCENT, Unit(factor=0.01)), minimum=-1.0, maximum=1.0
    ),
    Measurand.POWER_IMPORT: Quantity(units=_WATTS, minimum=0.0, maximum=1e6),
    Measurand.STATE_OF_CHARGE: Quantity(
        units=_PERCENT, minimum=0.0, maximum=100.0, of_the_car=True
    ),
    Measurand.TEMPERATURE: Quantity(
        units=_CELSIUS | _FAHRENHEIT | _KELVIN, minimum=-60.0, maximum=200.0, of_the_car=True
    ),
    Measurand.VOLTAGE: Quantity(units=_VOLTS, minimum=50.0, maximum=1e3),
}


class Line(StrEnum):
    """Where a value belongs, by the names that OCPP has for it (section 7.34)."""

    ALL = ""
    """No phase is named: the value is that of all lines, or of the only one."""
    L1 = "l1"
    L2 = "l2"
    L3 = "l3"
    NEUTRAL = "n"
    L1_L2 = "l1-l2"
    L2_L3 = "l2-l3"
    L3_L1 = "l3-l1"


LINES = (Line.L1, Line.L2, Line.L3)
BETWEEN_LINES = (Line.L1_L2, Line.L2_L3, Line.L3_L1)
_LINE_NAMES: dict[str, Line] = {
    **{line.value: line for line in Line if line is not Line.ALL},
    "l1-n": Line.L1,
    "l2-n": Line.L2,
    "l3-n": Line.L3,
    "l2-l1": Line.L1_L2,
    "l3-l2": Line.L2_L3,
    "l1-l3": Line.L3_L1,
}


def line_named(name: str) -> Line | None:
    """Return the line of a name; None where it is not known."""
    return _LINE_NAMES.get(name.strip().lower().replace("_", "-"))


def measurand_named(name: str) -> tuple[Measurand | None, Line]:
    """Return the measurand of a name, and the line where the name has it as its last part.

    Alfen and SyncEV write Current.Import.L1 where the phase has a field of its own.
    """
    written = name.strip().lower()
    head, _, last = written.rpartition(".")
    line = _LINE_NAMES.get(last) if head else None
    if line is not None:
        written = head
    try:
        return Measurand(written), line or Line.ALL
    except ValueError:
        return None, Line.ALL
