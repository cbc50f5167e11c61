"""The forms of the config flows: their fields, and what is wrong with an input."""

from collections.abc import Collection, Iterable, Mapping
from math import isfinite
from typing import Any

import voluptuous as vol
from homeassistant.components.input_boolean import DOMAIN as INPUT_BOOLEAN_DOMAIN
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.switch.const import DOMAIN as SWITCH_DOMAIN
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_NAME,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfElectricPotential,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import selector
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    ElectricCurrentConverter,
    ElectricPotentialConverter,
    PowerConverter,
)

from ..balancing.group import DEFAULT_METER_LOST_AFTER_S
from ..balancing.model import MINIMUM_CURRENT_A
from ..balancing.phases import Phase, PhaseMap
from ..behaviour_form import behaviour_fields, is_key
from ..const import (
    CONF_ADVANCED,
    CONF_BATTERY,
    CONF_BATTERY_DIRECTION,
    CONF_CONNECTORS,
    CONF_DIRECTION,
    CONF_FALLBACK_A,
    CONF_FEEDS_CHARGERS_ONLY,
    CONF_FREE_CHARGING,
    CONF_GROUP,
    CONF_HEARTBEAT,
    CONF_IDENTITY,
    CONF_KEEPS_LIMIT,
    CONF_KIND,
    CONF_LAPSES,
    CONF_LOST_AFTER_S,
    CONF_LOST_LOAD_A,
    CONF_MARGIN_A,
    CONF_MAX_AGE_S,
    CONF_MAXIMUM_A,
    CONF_MINIMUM_A,
    CONF_NEW_PASSWORD,
    CONF_OFFLINE_A,
    CONF_OFFLINE_KEY,
    CONF_OTHER_LOADS_A,
    CONF_PHASE_MAP,
    CONF_PHASES,
    CONF_POWER_SWITCH,
    CONF_PRIORITY,
    CONF_RATING_A,
    CONF_SECURITY,
    CONF_SENSORS,
    CONF_SHORT_LEASE,
    CONF_UPSTREAM,
    CONF_VOLTAGE_V,
    CONF_VOLTAGES,
    CONF_WEIGHT,
    DEFAULT_MARGIN_A,
    DEFAULT_VOLTAGE_V,
    DOMAIN,
    HIGHEST_CHARGER_PRIORITY,
    LOWEST_CHARGER_PRIORITY,
    MAXIMUM_CONNECTORS,
)
from ..csms.security_profile import SecurityProfile
from ..csms.websocket import is_identity
from ..selectors import HIGHEST_RATING_A, current_selector, number_selector, select
from ..supply import (
    BatteryDirection,
    Direction,
    SupplyKind,
    is_voltage_of_grid,
    sensor_names,
)
from ..supply_sensors import read_state
from ..upstream_form import upstream_error, upstream_section

type Errors = dict[str, str]
"""Translation keys of errors, by the field that they belong to."""

HIGHEST_CHARGER_RATING_A = 125
DEFAULT_CHARGER_RATING_A = 16.0


# The supply of a group


def supply_schema(
    kind: SupplyKind, phases: tuple[Phase, ...], errors: Errors | None = None
) -> vol.Schema:
    """Return the form for one kind of supply; a section with an error in it is open."""
    if kind is SupplyKind.NONE:
        return vol.Schema(
            {
                vol.Required(CONF_OTHER_LOADS_A): current_selector(HIGHEST_RATING_A),
                vol.Required(CONF_FEEDS_CHARGERS_ONLY, default=False): selector.BooleanSelector(),
            }
        )
    fields: dict[vol.Marker, Any] = {
        vol.Required(name): sensor_selector(kind) for name in sensor_names(kind, phases)
    }
    if kind is not SupplyKind.IMPORT_EXPORT:
        fields[vol.Required(CONF_DIRECTION, default=Direction.IMPORT_POSITIVE)] = select(
            list(Direction), CONF_DIRECTION
        )
    advanced: dict[vol.Marker, Any] = {
        vol.Required(CONF_MARGIN_A, default=DEFAULT_MARGIN_A): current_selector(100),
        vol.Optional(CONF_MAX_AGE_S): number_selector(5, 600, unit=UnitOfTime.SECONDS),
        vol.Optional(CONF_HEARTBEAT): selector.EntitySelector(),
        vol.Required(CONF_LOST_AFTER_S, default=DEFAULT_METER_LOST_AFTER_S): number_selector(
            60, 7200, unit=UnitOfTime.SECONDS
        ),
        vol.Optional(CONF_LOST_LOAD_A): current_selector(HIGHEST_RATING_A),
    }
    if kind is not SupplyKind.CURRENT:
        advanced[vol.Required(CONF_VOLTAGE_V, default=DEFAULT_VOLTAGE_V)] = number_selector(
            100, 300, unit=UnitOfElectricPotential.VOLT
        )
    advanced |= {
        vol.Optional(CONF_VOLTAGES): sensors_selector(SensorDeviceClass.VOLTAGE, multiple=True),
        vol.Optional(CONF_BATTERY): sensors_selector(SensorDeviceClass.POWER),
        vol.Required(CONF_BATTERY_DIRECTION, default=BatteryDirection.DISCHARGE_POSITIVE): select(
            list(BatteryDirection), CONF_BATTERY_DIRECTION
        ),
    }
    collapsed = CONF_ADVANCED not in (errors or {})
    fields[vol.Required(CONF_ADVANCED)] = section(vol.Schema(advanced), {"collapsed": collapsed})
    return vol.Schema(fields)


def sensor_selector(kind: SupplyKind) -> selector.EntitySelector:
    """Return a field for a sensor that measures a supply in this way."""
    return sensors_selector(
        SensorDeviceClass.CURRENT if kind is SupplyKind.CURRENT else SensorDeviceClass.POWER
    )


def sensors_selector(
    device_class: SensorDeviceClass, *, multiple: bool = False
) -> selector.EntitySelector:
    """Return a field for a sensor of this class, or for several."""
    return selector.EntitySelector(
        selector.EntitySelectorConfig(
            filter=selector.EntityWithDeviceFilterSelectorConfig(
                domain=SENSOR_DOMAIN, device_class=device_class
            ),
            multiple=multiple,
        )
    )


def supply_suggestions(kind: SupplyKind, data: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a form of this kind starts with, from what was kept before."""
    if data is None or data[CONF_KIND] != kind:
        return {}
    return {**data.get(CONF_SENSORS, {}), **data}


def read_supply_input(
    hass: HomeAssistant,
    kind: SupplyKind,
    phases: tuple[Phase, ...],
    user_input: Mapping[str, Any],
) -> tuple[dict[str, Any], Errors]:
    """Return what to keep of a supply form, and what is wrong with it."""
    errors: Errors = {}
    if kind is SupplyKind.NONE:
        if not user_input[CONF_OTHER_LOADS_A] and not user_input[CONF_FEEDS_CHARGERS_ONLY]:
            errors[CONF_OTHER_LOADS_A] = "other_loads_missing"
        if user_input[CONF_OTHER_LOADS_A] and user_input[CONF_FEEDS_CHARGERS_ONLY]:
            errors[CONF_FEEDS_CHARGERS_ONLY] = "other_loads_denied"
        return {CONF_KIND: kind, **user_input}, errors
    sensors = {name: user_input[name] for name in sensor_names(kind, phases)}
    for index, (name, entity_id) in enumerate(sensors.items()):
        if entity_id in list(sensors.values())[:index]:
            errors[name] = "sensor_twice"
        elif error := _sensor_error(hass, kind.converter, entity_id):
            errors[name] = error
    advanced = dict(user_input[CONF_ADVANCED])
    if CONF_BATTERY not in advanced:
        advanced.pop(CONF_BATTERY_DIRECTION, None)
    heartbeat = advanced.get(CONF_HEARTBEAT)
    if advanced.get(CONF_MAX_AGE_S, 0) >= advanced[CONF_LOST_AFTER_S]:
        errors[CONF_ADVANCED] = "sensor_lost_too_soon"
    elif heartbeat is not None and hass.states.get(heartbeat) is None:
        errors[CONF_ADVANCED] = "sensor_without_heartbeat"
    elif error := _other_sensors_error(hass, advanced):
        errors[CONF_ADVANCED] = error
    data = {
        CONF_KIND: kind,
        CONF_SENSORS: sensors,
        CONF_ADVANCED: advanced,
    }
    if CONF_DIRECTION in user_input:
        data[CONF_DIRECTION] = user_input[CONF_DIRECTION]
    return data, errors


def _other_sensors_error(hass: HomeAssistant, advanced: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the sensors of the battery and the voltages, if anything is."""
    battery, voltages = advanced.get(CONF_BATTERY), advanced.get(CONF_VOLTAGES, ())
    if battery is not None and _sensor_error(hass, PowerConverter, battery) is not None:
        return "sensor_no_battery"
    said_v = advanced.get(CONF_VOLTAGE_V, DEFAULT_VOLTAGE_V)
    if any(_sensor_error(hass, ElectricPotentialConverter, one) is not None for one in voltages):
        return "sensor_no_voltage"
    if not all(_tells_voltage_of_grid(hass, one, said_v) for one in voltages):
        return "sensor_other_voltage"
    return None


def _tells_voltage_of_grid(hass: HomeAssistant, entity_id: str, said_v: float) -> bool:
    """Return whether a sensor of a voltage tells one that will be believed, or none yet."""
    state = hass.states.get(entity_id)
    told_v = read_state(state, ElectricPotentialConverter, UnitOfElectricPotential.VOLT)
    return told_v is None or is_voltage_of_grid(told_v, said_v)


def _sensor_error(
    hass: HomeAssistant, converter: type[BaseUnitConverter], entity_id: str
) -> str | None:
    """Return why a sensor cannot measure what a converter knows the units of, if so."""
    state = hass.states.get(entity_id)
    if state is None:
        return "sensor_missing"
    entry = er.async_get(hass).async_get(entity_id)
    if entry is not None and entry.platform == DOMAIN:
        # What it shows is made of what the sensors say, or of what the chargers do.
        return "sensor_own"
    if state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) not in converter.VALID_UNITS:
        return "not_a_current" if converter is ElectricCurrentConverter else "not_a_power"
    if state.state in (STATE_UNKNOWN, STATE_UNAVAILABLE):
        return None
    try:
        numeric = isfinite(float(state.state))
    except ValueError:
        numeric = False
    return None if numeric else "not_numeric"


# A charger


def charger_schema(
    groups: Mapping[str, str],
    phases: tuple[Phase, ...],
    *,
    identity: bool,
    security: SecurityProfile = SecurityProfile.OPEN,
    new_password: bool = False,
    errors: Errors | None = None,
) -> vol.Schema:
    """Return the form for a charger, with or without its identity.

    `security` is the security profile that is offered first; `new_password` says that one can be
    asked for. Sections with an error in them are open.
    """
    wrong = errors or {}
    single_phase = len(phases) == 1
    fields: dict[vol.Marker, Any] = {}
    if identity:
        fields[vol.Required(CONF_IDENTITY)] = selector.TextSelector()
    fields |= {
        vol.Required(CONF_NAME): selector.TextSelector(),
        vol.Required(CONF_GROUP, default=next(iter(groups))): select(groups, CONF_GROUP),
        vol.Required(CONF_RATING_A, default=DEFAULT_CHARGER_RATING_A): current_selector(
            HIGHEST_CHARGER_RATING_A, lowest_a=MINIMUM_CURRENT_A
        ),
        vol.Required(CONF_PHASES, default="1" if single_phase else "3"): select(
            ["1", "3"], CONF_PHASES
        ),
        vol.Required(
            CONF_PHASE_MAP, default=PhaseMap.L1 if single_phase else PhaseMap.UNKNOWN
        ): select(list(PhaseMap), CONF_PHASE_MAP),
        vol.Optional(CONF_MAXIMUM_A): current_selector(
            HIGHEST_CHARGER_RATING_A, lowest_a=MINIMUM_CURRENT_A
        ),
        vol.Required(CONF_MINIMUM_A, default=MINIMUM_CURRENT_A): current_selector(
            HIGHEST_CHARGER_RATING_A, lowest_a=MINIMUM_CURRENT_A
        ),
        vol.Required(CONF_PRIORITY, default=1): number_selector(
            LOWEST_CHARGER_PRIORITY, HIGHEST_CHARGER_PRIORITY
        ),
        vol.Required(CONF_CONNECTORS, default=1): number_selector(1, MAXIMUM_CONNECTORS),
        vol.Required(CONF_SECURITY, default=security.name.lower()): select(
            [profile.name.lower() for profile in SecurityProfile], CONF_SECURITY
        ),
        vol.Required(CONF_ADVANCED): section(
            vol.Schema(
                {
                    vol.Required(CONF_WEIGHT, default=1.0): number_selector(0.1, 10, step=0.1),
                    vol.Required(CONF_FREE_CHARGING, default=False): selector.BooleanSelector(),
                    vol.Required(CONF_FALLBACK_A, default=MINIMUM_CURRENT_A): current_selector(
                        HIGHEST_CHARGER_RATING_A
                    ),
                    vol.Required(CONF_KEEPS_LIMIT, default=False): selector.BooleanSelector(),
                    vol.Required(CONF_LAPSES, default=False): selector.BooleanSelector(),
                    vol.Required(CONF_SHORT_LEASE, default=False): selector.BooleanSelector(),
                    vol.Optional(CONF_OFFLINE_A): current_selector(HIGHEST_CHARGER_RATING_A),
                    vol.Optional(CONF_OFFLINE_KEY): selector.TextSelector(),
                    vol.Optional(CONF_POWER_SWITCH): selector.EntitySelector(
                        selector.EntitySelectorConfig(domain=[SWITCH_DOMAIN, INPUT_BOOLEAN_DOMAIN])
                    ),
                    **behaviour_fields(),
                }
            ),
            {"collapsed": CONF_ADVANCED not in wrong},
        ),
    }
    fields |= upstream_section(identity=True, collapsed=CONF_UPSTREAM not in wrong)
    if new_password:
        fields[vol.Required(CONF_NEW_PASSWORD, default=False)] = selector.BooleanSelector()
    return vol.Schema(fields)


def read_charger_input(
    user_input: Mapping[str, Any],
    phases: tuple[Phase, ...],
    profiles: Collection[SecurityProfile],
    groups: Iterable[Mapping[str, Any]] = (),
) -> tuple[dict[str, Any], Errors]:
    """Return what to keep of a charger form, and what is wrong with it.

    `profiles` are the security profiles that the site can ask for, `groups` the data of the groups
    above the charger, the nearest first.
    """
    rating_a = user_input[CONF_RATING_A]
    minimum_a = user_input[CONF_MINIMUM_A]
    maximum_a = user_input.get(CONF_MAXIMUM_A, rating_a)
    fallback_a = user_input[CONF_ADVANCED][CONF_FALLBACK_A]
    errors: Errors = {}
    if CONF_IDENTITY in user_input and not is_identity(user_input[CONF_IDENTITY]):
        errors[CONF_IDENTITY] = "identity_invalid"
    if minimum_a > rating_a:
        errors[CONF_MINIMUM_A] = "above_rating"
    elif not minimum_a <= maximum_a <= rating_a:
        errors[CONF_MAXIMUM_A] = "maximum_out_of_range"
    if not errors and (fallback_a > rating_a or 0 < fallback_a < minimum_a):
        # The frontend shows no errors inside a section, but those of the section itself above it.
        errors[CONF_ADVANCED] = "fallback_out_of_range"
    if not is_key(user_input[CONF_ADVANCED].get(CONF_OFFLINE_KEY, "")):
        errors[CONF_ADVANCED] = "offline_key_invalid"
    errors |= _wiring_errors(user_input, phases)
    if (error := upstream_error(user_input, groups)) is not None:
        errors[CONF_UPSTREAM] = error
    profile = SecurityProfile[user_input[CONF_SECURITY].upper()]
    if profile not in profiles:
        is_certificate = profile is SecurityProfile.TLS_CERTIFICATE
        errors[CONF_SECURITY] = "needs_own_root" if is_certificate else "needs_encryption"
    dropped = (CONF_NAME, CONF_NEW_PASSWORD)
    data = {key: value for key, value in user_input.items() if key not in dropped}
    data[CONF_MAXIMUM_A] = maximum_a
    return data, errors


def _wiring_errors(user_input: Mapping[str, Any], phases: tuple[Phase, ...]) -> Errors:
    lines = int(user_input[CONF_PHASES])
    if lines > len(phases):
        return {CONF_PHASES: "more_phases_than_site"}
    wired = PhaseMap(user_input[CONF_PHASE_MAP]).lines
    if wired is not None and (len(wired) != lines or not set(wired) <= set(phases)):
        return {CONF_PHASE_MAP: "phase_map_mismatch"}
    return {}
