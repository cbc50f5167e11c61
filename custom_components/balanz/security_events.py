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
_KINDS: dict[type[SecurityEvent], str] = {
    AddressPinned: "address_pinned",
    AdmissionRefused: "refused",
    IdentityShared: "identity_shared",
    PasswordTaken: "password_taken",
    ProfileRaised: "profile_raised",
    SecurityReported: "reported",
}


@callback
def fire_security_event(hass: HomeAssistant, charger: Device | None, event: SecurityEvent) -> None:
    """Fire an event with the charger's device, its kind, and all that it tells."""
    told: dict[str, Any] = {field.name: getattr(event, field.name) for field in fields(event)}
    device = None
    if charger is not None:
        device = dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, charger.unique_id), charger.entry_id
        )
    hass.bus.async_fire(
        EVENT_SECURITY,
        {
            ATTR_DEVICE_ID: None if device is None else device.id,
            "kind": _KINDS[type(event)],
            **{name: _plain(value) for name, value in told.items()},
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
