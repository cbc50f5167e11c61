"""Diagnostics: what a site is set up as and what it shows, without what names a household."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_USERNAME
from homeassistant.core import HomeAssistant

from .coordinator import BalanzConfigEntry

TO_REDACT = {
    "address",
    "addresses",
    "known_address",
    "serial",
    "tag",
    CONF_HOST,
    CONF_PASSWORD,
    CONF_USERNAME,
}


async def async_get_config_entry_diagnostics(
    _hass: HomeAssistant, entry: BalanzConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of a site."""
    return async_redact_data(
        {
            "entry": dict(entry.data),
            "subentries": [
                {"type": subentry.subentry_type, "title": subentry.title, **subentry.data}
                for subentry in entry.subentries.values()
            ],
            "snapshot": _plain(entry.runtime_data.snapshot),
        },
        TO_REDACT,
    )


def _plain(value: object) -> Any:
    """Return a value as what JSON knows."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value
