"""Configuration keys that balanz relies on, and what a value of theirs would spoil."""

import logging
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from .capabilities import Capabilities, Key, Setting
from .interview import NEEDED_MEASURANDS
from .lenient import integer
from .station_errors import StationError
from .v16_commands import Commands

LONGEST_METER_INTERVAL_S = 30
"""A reading may be 45 s old to count; the next one has to be there by then, even if late."""
LONGEST_HEARTBEAT_S = 300
"""A charger that is not heard for three times this long is taken to be gone."""
_CAPABILITIES = (Key.MAX_STACK_LEVEL, Key.RATE_UNIT, Key.MAX_PERIODS, Key.CONNECTORS)

_SECRETS = frozenset({"authorizationkey"})
_OF_THE_DOOR = _SECRETS | {"securityprofile"}

_LOGGER = logging.getLogger(__name__)


class KeyWarning(StrEnum):
    """What a configuration does to the balancing of a charger."""

    READINGS_TOO_SELDOM = "readings_too_seldom"
    """It counts as one that does not meter."""
    MEASURANDS_MISSING = "measurands_missing"
    """Its current, power or energy is not told."""
    HEARTBEAT_TOO_SELDOM = "heartbeat_too_seldom"
    """Its link may be dropped for silence."""


class Configured(Protocol):
    """A charger whose configuration was changed."""

    identity: str
    capabilities: Capabilities
    commands: Commands

    def learn(self, capabilities: Capabilities) -> None:
        """Learn what it can do."""
        ...


def is_secret(key: str) -> bool:
    """Return whether the value of a key is for nobody's eyes. Keys may be in any case."""
    return key.strip().lower() in _SECRETS


def locks_out(key: str) -> bool:
    """Return whether a change of a key that admission does not know of locks the charger out."""
    return key.strip().lower() in _OF_THE_DOOR


def warning_of(key: str, value: str) -> KeyWarning | None:
    """Return what a value of a key spoils; None if nothing. Keys may be in any case."""
    number = integer(value)
    match key.strip().lower():
        case "metervaluesampleinterval":
            frequent = number is not None and 1 <= number <= LONGEST_METER_INTERVAL_S
            return None if frequent else KeyWarning.READINGS_TOO_SELDOM
        case "metervaluessampleddata":
            present = {name.strip() for name in value.split(",")}
            complete = present.issuperset(NEEDED_MEASURANDS)
            return None if complete else KeyWarning.MEASURANDS_MISSING
        case "heartbeatinterval":
            frequent = number is not None and 1 <= number <= LONGEST_HEARTBEAT_S
            return None if frequent else KeyWarning.HEARTBEAT_TOO_SELDOM
        case _:
            return None


def tells_a_capability(key: str) -> bool:
    """Return whether a key tells what limits the charger takes."""
    return key.strip().lower() in {known.value.lower() for known in _CAPABILITIES}


async def read_again(station: Configured) -> None:
    """Learn what a charger can do after its configuration has changed; what is not told stays."""
    try:
        configuration = await station.commands.get_configuration(
            [key.value for key in _CAPABILITIES]
        )
    except StationError as error:
        _LOGGER.debug("%s: not read again: %s", station.identity, error)
        return
    names = {key.value.lower(): key for key in _CAPABILITIES}
    told = Capabilities.from_settings(
        {
            names[entry.key.lower()]: Setting(value=entry.value, readonly=entry.readonly)
            for entry in configuration.entries
            if entry.value is not None and entry.key.lower() in names
        }
    )
    known = {name: value for name, value in told.as_record().items() if value is not None}
    station.learn(replace(station.capabilities, **known))
