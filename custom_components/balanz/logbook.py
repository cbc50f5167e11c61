"""Lines of the logbook about what happens to sessions and at the door of a site."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .balancing.reasons import Rule
from .const import DOMAIN
from .security_events import EVENT_SECURITY
from .session_events import EVENT_SESSION
from .site.session_events import SessionKind

_LIMITED_BY: Mapping[str, str] = {
    Rule.ALL_IN_USE: "all connectors are in use",
    Rule.OVERLOAD: "there was too much current",
    Rule.PAST_PEAK: "other loads took more a moment ago",
    Rule.RESTING: "it was paused a moment ago",
    Rule.SCHEDULE: "the schedule leaves no more",
    Rule.SHARED: "the current is shared",
    Rule.STORAGE_FAILING: "the disk is failing",
    Rule.SUPPLY_UNKNOWN: "the supply is not known",
    Rule.SURPLUS: "there is no more solar surplus",
    Rule.UNATTENDED: "the fuse has to bear it without Home Assistant",
    Rule.UNBALANCE: "the phases would be unbalanced",
    Rule.WAITING: "it waits for its turn",
    Rule.WRITES_SPENT: "it has had as many limits today as its memory is to be spared",
}
_SECURITY: Mapping[str, str] = {
    "address_pinned": "is known by its address from now on",
    "refused": "was refused",
    "identity_shared": "may be two chargers: their connections replace one another",
    "password_taken": "took its new password",
    "profile_raised": "came with more security, and must keep it",
    "reported": "reported a security event",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Say which events there are lines for."""

    @callback
    def describe_session(event: Event) -> dict[str, str]:
        data = event.data
        return {
            LOGBOOK_ENTRY_NAME: _device_name(hass, data) or str(data["charger"]),
            LOGBOOK_ENTRY_MESSAGE: session_message(data),
            LOGBOOK_ENTRY_ENTITY_ID: data["entity_id"],
        }

    @callback
    def describe_security(event: Event) -> dict[str, str]:
        data = event.data
        return {
            LOGBOOK_ENTRY_NAME: _device_name(hass, data) or str(data.get("identity", DOMAIN)),
            LOGBOOK_ENTRY_MESSAGE: _SECURITY.get(data["kind"], "told of a security event"),
        }

    async_describe_event(DOMAIN, EVENT_SESSION, describe_session)
    async_describe_event(DOMAIN, EVENT_SECURITY, describe_security)


def session_message(data: Mapping[str, Any]) -> str:
    """Return what happened to a session, as what follows the name of its charger."""
    who = "" if data["tag"] is None else f" for {data['tag']}"
    match data["kind"]:
        case SessionKind.STARTED:
            return f"started a session{who}"
        case SessionKind.REFUSED:
            return "refused an unknown tag" if data["tag"] is None else f"refused {data['tag']}"
        case SessionKind.LIMITED:
            why = _LIMITED_BY.get(data["reason"], "it gets no more")
            where = "" if data["group"] is None else f" in {data['group']}"
            return f"is limited to {data['limit'] or 0:g} A{where}: {why}"
        case SessionKind.SUSPENDED:
            if data["by"] == "car":
                return "pauses, because the car takes nothing"
            why = _LIMITED_BY.get(data["reason"], "")
            return f"pauses: {why}" if why else "pauses"
        case SessionKind.RESUMED:
            return "charges again"
        case _:
            energy = "" if data["energy"] is None else f" and {data['energy']:.1f} kWh"
            return f"ended its session{who} after {_spoken(data['duration'])}{energy}"


def _device_name(hass: HomeAssistant, data: Mapping[str, Any]) -> str | None:
    device_id = data.get("device_id")
    device = None if device_id is None else dr.async_get(hass).async_get(device_id)
    return None if device is None else device.name_by_user or device.name


def _spoken(duration_s: float) -> str:
    """Return a duration in hours and minutes."""
    minutes = timedelta(seconds=duration_s) // timedelta(minutes=1)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else "less than a minute"
