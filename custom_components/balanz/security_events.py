"""What happens at the door of a site, as events that automations can listen for."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN
from .csms.security_events import (
    AddressPinned,
    AdmissionRefused,
    IdentityShared,
    PasswordTaken,
    ProfileRaised,
    SecurityEvent,
    SecurityReported,
)
from .csms.security_profile import SecurityProfile
from .devices import Device

EVENT_SECURITY = f"{DOMAIN}_security_event"
KINDS: dict[type[SecurityEvent], str] = {
    AddressPinned: "address_pinned",
    AdmissionRefused: "refused",
    IdentityShared: "identity_shared",
    PasswordTaken: "password_taken",
    ProfileRaised: "profile_raised",
    SecurityReported: "reported",
}


def kind_of(event: SecurityEvent) -> str:
    """Return what users know an event as."""
    return KINDS[type(event)]


def told_by(event: SecurityEvent) -> dict[str, Any]:
    """Return all that an event tells besides whom it is about, as what JSON knows."""
    return {
        field.name: _plain(getattr(event, field.name))
        for field in fields(event)
        if field.name != "identity"
    }


@callback
def fire_security_event(hass: HomeAssistant, charger: Device | None, event: SecurityEvent) -> None:
    """Fire an event with the charger's device, its kind, and all that it tells."""
    device = None
    if charger is not None:
        device = dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, charger.unique_id), charger.entry_id
        )
    hass.bus.async_fire(
        EVENT_SECURITY,
        {
            ATTR_DEVICE_ID: None if device is None else device.id,
            "identity": event.identity,
            "kind": kind_of(event),
            **told_by(event),
        },
    )


def _plain(value: object) -> object:
    """Return a value as what JSON knows."""
    if isinstance(value, SecurityProfile):
        return value.name.lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value
