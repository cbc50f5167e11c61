"""All kinds of entities that a charger can have, and what they are called."""

from collections.abc import Iterable, Mapping

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.translation import async_get_translations

from . import binary_sensor, button, datetime, number, select, sensor, switch, update
from .charger_events import FIRMWARE_EVENT, UPLOAD_EVENT
from .charger_sensors import CHARGER_SENSORS, FALLBACK_PROOF, TOLD_SENSORS, UPSTREAM_QUEUE
from .connector_sensors import CONNECTOR_SENSORS, REPORTED_SENSORS, UPSTREAM_LIMIT
from .const import DOMAIN
from .entity_choice import kind_of
from .security_event_entity import SECURITY
from .session_events import SESSION

_DESCRIPTIONS: Mapping[Platform, Iterable[EntityDescription]] = {
    Platform.BINARY_SENSOR: (
        binary_sensor.CONNECTED,
        binary_sensor.UPSTREAM_CONNECTED,
        *binary_sensor.CONNECTOR_BINARY_SENSORS,
    ),
    Platform.BUTTON: (
        button.RESTART,
        button.PROVE_FALLBACK,
        button.START_BOOST,
        button.CLEAR_PLAN,
        *button.CONNECTOR_BUTTONS,
    ),
    Platform.DATETIME: (datetime.DEPARTURE,),
    Platform.EVENT: (FIRMWARE_EVENT, UPLOAD_EVENT, SECURITY, SESSION),
    Platform.NUMBER: (number.MAXIMUM, number.ENERGY_TARGET, number.BOOST_DURATION),
    Platform.SELECT: (select.PRIORITY,),
    Platform.SENSOR: (
        sensor.REASON,
        sensor.TAG,
        FALLBACK_PROOF,
        UPSTREAM_QUEUE,
        UPSTREAM_LIMIT,
        *CHARGER_SENSORS,
        *TOLD_SENSORS,
        *CONNECTOR_SENSORS,
        *REPORTED_SENSORS,
    ),
    Platform.SWITCH: (switch.CHARGING_ALLOWED, switch.PAUSED, switch.BOOST, switch.IN_SERVICE),
    Platform.UPDATE: (update.FIRMWARE,),
}
CHARGER_ENTITIES: Mapping[str, str] = {
    kind_of(platform, description): (
        f"component.{DOMAIN}.entity.{platform}.{description.translation_key}.name"
    )
    for platform, descriptions in _DESCRIPTIONS.items()
    for description in descriptions
}
"""The key of each kind's name among the translations."""


async def async_charger_entity_names(hass: HomeAssistant) -> dict[str, str]:
    """Return the names of all kinds, in the order of the names."""
    translations = await async_get_translations(hass, hass.config.language, "entity", [DOMAIN])
    names = {kind: translations[key] for kind, key in CHARGER_ENTITIES.items()}
    return dict(sorted(names.items(), key=lambda kind_and_name: kind_and_name[1].casefold()))
