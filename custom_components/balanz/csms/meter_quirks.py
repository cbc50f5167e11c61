"""What a charger's meter values mean where they do not mean what they say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterQuirks:
    """What cannot be told from the values themselves; each is off where nobody knows better."""

    spreads_one_line: bool = False
    """With a single line, its current is given as a third on each of three."""
    export_is_import: bool = False
    """What it calls Current.Export flows into the car."""
    energy_in_kwh: bool = False
    """The energy register is in kWh, whatever unit is named."""
    power_in_kw: bool = False
    """Powers are in kW, whatever unit is named."""
    tenths_of_amperes: bool = False
    """Currents are in tenths of an ampere, whatever unit is named."""


NO_METER_QUIRKS = MeterQuirks()
