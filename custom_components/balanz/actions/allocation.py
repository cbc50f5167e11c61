"""The action that tells who has how much now, why, and until when."""

from collections.abc import Mapping
from datetime import datetime

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.json import JsonValueType

from ..balancing.phases import ALL_PHASES, PhaseCurrents
from ..const import DOMAIN
from ..site.snapshot import ConnectorSnapshot, GroupSnapshot, ReasonSnapshot
from .fields import TARGET_FIELDS, TARGET_KEYS
from .targets import ConnectorTarget, GroupTarget, all_places, targeted_places

GET_ALLOCATION = "get_allocation"
_REASONS = f"component.{DOMAIN}.entity.sensor.reason.state_attributes.explanation.state."

type Texts = Mapping[str, str]


def register_allocation_action(hass: HomeAssistant) -> None:
    """Register the action; it is there whether a site runs or not."""
    hass.services.async_register(
        DOMAIN,
        GET_ALLOCATION,
        _get_allocation,
        schema=vol.Schema(TARGET_FIELDS),
        supports_response=SupportsResponse.ONLY,
    )


async def _get_allocation(call: ServiceCall) -> ServiceResponse:
    """Return how the groups and connectors stand that are meant; all where none is named."""
    hass = call.hass
    is_named = any(key in call.data for key in TARGET_KEYS)
    places = targeted_places(hass, call.data) if is_named else all_places(hass)
    texts = await async_get_translations(
        hass, hass.config.language, "entity", integrations=[DOMAIN]
    )
    groups: list[JsonValueType] = []
    connectors: list[JsonValueType] = []
    for place in places:
        # What was set up a moment ago is not known yet.
        if isinstance(place, GroupTarget):
            if (group := place.snapshot) is not None:
                groups.append(_group(place, group))
        elif (connector := place.snapshot) is not None:
            connectors.append(_connector(place, connector, texts))
    return {"groups": groups, "connectors": connectors}


def _group(target: GroupTarget, group: GroupSnapshot) -> dict[str, JsonValueType]:
    override = group.override
    return {
        "device_id": target.device_id,
        "name": group.name,
        "rating": group.rating_a,
        "capacity": group.capacity_a,
        "capacity_now": round(group.capacity_now_a, 1),
        "override": None if override is None else override.capacity_a,
        "override_power": None if override is None else override.power_w,
        "until": None if override is None else _moment(override.until),
        "available": _phases(group.available),
        "allocated": _phases(group.allocated),
        "booked": _phases(group.booked),
        "measured": _phases(group.measured),
        "within_limit": group.within_limit,
    }


def _connector(
    target: ConnectorTarget, connector: ConnectorSnapshot, texts: Texts
) -> dict[str, JsonValueType]:
    reason = connector.offered_by
    l1, l2, l3 = connector.currents_a
    return {
        "device_id": target.device_id,
        "name": target.name,
        "charger": target.key.charger,
        "connector": target.key.connector,
        "status": connector.status,
        "limit": connector.commanded_a,
        "accepted_limit": connector.accepted_a,
        "booked": connector.booked_a,
        "measured": {"L1": l1, "L2": l2, "L3": l3},
        "power": connector.power_w,
        "reason": reason.rule,
        "explanation": explanation(reason, texts),
        "group": reason.group_name,
        "phase": reason.phase,
        "until": _moment(reason.until),
        "other_loads": reason.other_loads_a,
        "within": reason.within_a,
    }


def explanation(reason: ReasonSnapshot, texts: Texts) -> str:
    """Return a reason in the words of the user, and where it is to be found."""
    told = texts.get(f"{_REASONS}{reason.rule}", reason.rule)
    where = [part for part in (reason.group_name, reason.phase) if part is not None]
    return f"{', '.join(where)}: {told}" if where else told


def _phases(currents: PhaseCurrents | None) -> JsonValueType:
    if currents is None:
        return None
    return {phase: round(currents[phase], 1) for phase in ALL_PHASES}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
