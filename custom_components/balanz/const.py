"""Names that the Home Assistant floor shares."""

import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "balanz"
LOGGER: Final = logging.getLogger(__package__)

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.NUMBER,
    Platform.SENSOR,
    Platform.SWITCH,
)

SUBENTRY_CHARGER: Final = "charger"
SUBENTRY_GROUP: Final = "group"

CONF_ADVANCED: Final = "advanced"
CONF_CONNECTORS: Final = "connectors"
CONF_DIRECTION: Final = "direction"
CONF_FALLBACK_A: Final = "fallback_a"
CONF_FEEDS_CHARGERS_ONLY: Final = "feeds_chargers_only"
CONF_GROUP: Final = "group"
CONF_IDENTITY: Final = "identity"
CONF_KEEPS_LIMIT: Final = "keeps_limit"
CONF_KIND: Final = "kind"
CONF_MARGIN_A: Final = "margin_a"
CONF_MAXIMUM_A: Final = "maximum_a"
CONF_MAX_AGE_S: Final = "max_age_s"
CONF_MINIMUM_A: Final = "minimum_a"
CONF_OTHER_LOADS_A: Final = "other_loads_a"
CONF_PARENT: Final = "parent"
CONF_PHASES: Final = "phases"
CONF_PHASE_MAP: Final = "phase_map"
CONF_PRIORITY: Final = "priority"
CONF_RATING_A: Final = "rating_a"
CONF_SENSORS: Final = "sensors"
CONF_SUPPLY: Final = "supply"
CONF_VOLTAGE_V: Final = "voltage_v"

DEFAULT_HOST: Final = "0.0.0.0"
DEFAULT_PORT: Final = 9300
DEFAULT_MARGIN_A: Final = 1.0
DEFAULT_MAX_AGE_S: Final = 60
DEFAULT_VOLTAGE_V: Final = 230

PAIRING_S: Final = 900
"""How long unknown chargers may introduce themselves after a set-up or "add charger"."""
MAXIMUM_CONNECTORS: Final = 16
