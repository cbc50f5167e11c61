"""Names that the Home Assistant floor shares."""

import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "balanz"
LOGGER: Final = logging.getLogger(__package__)

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.DATETIME,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.UPDATE,
)

SUBENTRY_CHARGER: Final = "charger"
SUBENTRY_GROUP: Final = "group"

RECONFIGURED: Final = "reconfigure_successful"
"""Given as the reason, it is told in balanz's words; left out, in Home Assistant's own."""

ATTR_CONNECTOR_ID: Final = "connector_id"

CONF_ADVANCED: Final = "advanced"
CONF_BATTERY: Final = "battery"
CONF_BATTERY_DIRECTION: Final = "battery_direction"
CONF_BEHAVES_LIKE: Final = "behaves_like"
CONF_ANSWER_TAGS_WITHIN_S: Final = "answer_within_s"
CONF_ALLOW_INTERNET: Final = "allow_internet"
CONF_CA_FILE: Final = "ca_file"
CONF_CERTIFICATE: Final = "certificate"
CONF_CHARGER_ENTITIES: Final = "charger_entities"
CONF_CONNECTORS: Final = "connectors"
CONF_DETAILS: Final = "details"
CONF_DIRECTION: Final = "direction"
CONF_FALLBACK_A: Final = "fallback_a"
CONF_FEEDS_CHARGERS_ONLY: Final = "feeds_chargers_only"
CONF_FREE_CHARGING: Final = "free_charging"
CONF_GROUP: Final = "group"
CONF_HEARTBEAT: Final = "heartbeat"
CONF_HOLIDAYS: Final = "holidays"
CONF_IDENTITY: Final = "identity"
CONF_KEEPS_LIMIT: Final = "keeps_limit"
CONF_LAPSES: Final = "lapses"
CONF_SHORT_LEASE: Final = "short_lease"
CONF_OFFLINE_A: Final = "offline_a"
CONF_OFFLINE_KEY: Final = "offline_key"
CONF_KEY: Final = "key"
CONF_KIND: Final = "kind"
CONF_LIMIT_FORM: Final = "limit_form"
CONF_LIMIT_UNIT: Final = "limit_unit"
CONF_LOST_AFTER_S: Final = "lost_after_s"
CONF_LOST_LOAD_A: Final = "lost_load_a"
CONF_MARGIN_A: Final = "margin_a"
CONF_MAXIMUM_A: Final = "maximum_a"
CONF_MAX_AGE_S: Final = "max_age_s"
CONF_METER_VALUES: Final = "meter_values"
CONF_MINIMUM_A: Final = "minimum_a"
CONF_NEW_PASSWORD: Final = "new_password"
CONF_OBSERVERS: Final = "observers"
CONF_OTHER_CERTIFICATE: Final = "other_certificate"
CONF_OTHER_KEY: Final = "other_key"
CONF_OTHER_LOADS_A: Final = "other_loads_a"
CONF_PARENT: Final = "parent"
CONF_PAUSE: Final = "pause"
CONF_PHASES: Final = "phases"
CONF_PHASE_MAP: Final = "phase_map"
CONF_POLICY: Final = "policy"
CONF_POWER_FACTOR: Final = "power_factor"
CONF_POWER_LIMIT_KW: Final = "power_limit_kw"
CONF_POWER_SWITCH: Final = "power_switch"
CONF_PRIORITY: Final = "priority"
CONF_QR_CODE: Final = "qr_code"
CONF_RAISE_SPACING_S: Final = "raise_spacing_s"
CONF_RATING_A: Final = "rating_a"
CONF_SCHEDULE: Final = "schedule"
CONF_SECURITY: Final = "security"
CONF_SEND: Final = "send"
CONF_SENSORS: Final = "sensors"
CONF_SHARE_A: Final = "share_a"
CONF_SHORT_TURN_MIN: Final = "short_turn_min"
CONF_SOCKETS_PER_ADDRESS: Final = "sockets_per_address"
CONF_SUPPLY: Final = "supply"
CONF_SURPLUS: Final = "surplus"
CONF_TAGS: Final = "tags"
CONF_TLS: Final = "tls"
CONF_TLS_PORT: Final = "tls_port"
CONF_TURN_MIN: Final = "turn_min"
CONF_UNBALANCE_A: Final = "unbalance_a"
CONF_UNKNOWN_TAGS: Final = "unknown"
CONF_UNKNOWN_TAGS_OFFLINE: Final = "unknown_tags_offline"
CONF_UPSTREAM: Final = "upstream"
CONF_UPSTREAM_IDENTITY: Final = "upstream_identity"
CONF_VOLTAGES: Final = "voltages"
CONF_VOLTAGE_V: Final = "voltage_v"
CONF_WEIGHT: Final = "weight"
CONF_WITHOUT_URL: Final = "without_url"
CONF_WRITES_PER_DAY: Final = "writes_per_day"

AUTOMATIC: Final = "auto"
"""The choice to find something out by itself."""

DEFAULT_HOST: Final = "0.0.0.0"
DEFAULT_PORT: Final = 9300
DEFAULT_TLS_PORT: Final = 9301
DEFAULT_MARGIN_A: Final = 1.0
DEFAULT_VOLTAGE_V: Final = 230
POWER_FACTOR_BEFORE: Final = 1.0
"""That of sensors in entries from before it could be set."""
POLICY_INHERIT: Final = "inherit"
"""The choice of a group that shares as the group above it."""

"""How long a car goes first, unless an action says otherwise."""
PAIRING_S: Final = 900
"""How long unknown chargers may introduce themselves after a set-up or "add charger"."""
MAXIMUM_CONNECTORS: Final = 16

LOWEST_CHARGER_PRIORITY: Final = 1
HIGHEST_CHARGER_PRIORITY: Final = 10
