"""What a charger says that it can do, from its configuration keys (OCPP 1.6, chapter 9)."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from .lenient import integer

MAX_CONNECTORS = 16


class RateUnit(StrEnum):
    """The unit in which a charger takes limits."""

    AMPERE = "A"
    WATT = "W"


class Key(StrEnum):
    """The configuration keys that are of interest."""

    MAX_STACK_LEVEL = "ChargeProfileMaxStackLevel"
    RATE_UNIT = "ChargingScheduleAllowedChargingRateUnit"
    MAX_PERIODS = "ChargingScheduleMaxPeriods"
    MAX_PROFILES = "MaxChargingProfilesInstalled"
    SWITCHES_PHASES = "ConnectorSwitch3to1PhaseSupported"
    CONNECTORS = "NumberOfConnectors"
    METER_INTERVAL = "MeterValueSampleInterval"
    MEASURANDS = "MeterValuesSampledData"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The value of a configuration key, as text."""

    value: str
    readonly: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is known of a charger; None is unknown."""

    max_stack_level: int | None = None
    rate_unit: RateUnit | None = None
    max_periods: int | None = None
    max_profiles: int | None = None
    """How many profiles can be installed at a time."""
    switches_phases: bool | None = None
    """Whether it can charge with one line of three, as a profile says."""
    connectors: int | None = None

    @property
    def unread(self) -> bool:
        """Whether the charger has not told anything yet."""
        return self == Capabilities()

    @classmethod
    def from_settings(cls, settings: Mapping[Key, Setting]) -> Capabilities:
        """Read them from what the charger told of its configuration."""
        unit_setting = settings.get(Key.RATE_UNIT)
        return cls(
            max_stack_level=_number(settings, Key.MAX_STACK_LEVEL),
            rate_unit=_rate_unit(unit_setting.value) if unit_setting else None,
            max_periods=_number(settings, Key.MAX_PERIODS),
            max_profiles=_number(settings, Key.MAX_PROFILES),
            switches_phases=_flag(settings, Key.SWITCHES_PHASES),
            connectors=_number(settings, Key.CONNECTORS),
        )

    def as_record(self) -> dict[str, Any]:
        """Return them as what JSON knows."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Capabilities:
        """Read back what was recorded. Raises KeyError, TypeError or ValueError."""
        unit = record["rate_unit"]
        numbers = {
            name: None if value is None else int(value)
            for name, value in (
                ("max_stack_level", record["max_stack_level"]),
                ("max_periods", record["max_periods"]),
                ("max_profiles", record.get("max_profiles")),
                ("connectors", record["connectors"]),
            )
        }
        switches = record.get("switches_phases")
        return cls(
            rate_unit=None if unit is None else RateUnit(unit),
            switches_phases=switches if isinstance(switches, bool) else None,
            **numbers,
        )


def _number(settings: Mapping[Key, Setting], key: Key) -> int | None:
    setting = settings.get(key)
    value = integer(setting.value) if setting else None
    return value if value is not None and value >= 0 else None


def _flag(settings: Mapping[Key, Setting], key: Key) -> bool | None:
    setting = settings.get(key)
    words = {"true": True, "false": False}
    return words.get(setting.value.strip().lower()) if setting else None


def _rate_unit(value: str) -> RateUnit | None:
    """Return the unit to use; amperes if the charger takes both, whatever it calls them."""
    words = set(re.split(r"[^a-z]+", value.lower()))
    if words & {"a", "current", "amp", "amps", "ampere", "amperes"}:
        return RateUnit.AMPERE
    if words & {"w", "power", "watt", "watts"}:
        return RateUnit.WATT
    return None
