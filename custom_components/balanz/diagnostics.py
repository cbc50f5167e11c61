"""Diagnostics: what a developer needs to see, without what names a household or lets anybody in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .balancing.model import ConnectorKey
from .coordinator import BalanzConfigEntry
from .csms.frame_log import KeptFrame
from .devices import ChargerDevice, Device, device_of
from .site.evidence import Evidence
from .site.replay import packed
from .site.snapshot import SiteSnapshot

TO_REDACT = {
    "address",
    "addresses",
    "id_tag",
    "known_address",
    "passwords",
    "serial",
    "tag",
    CONF_HOST,
    CONF_PASSWORD,
    CONF_USERNAME,
}
_URL = re.compile(r"(\w+://)(?:[^/\s@]*@)?([^/\s?#]+)\S*")
"""What is told of a URL is its scheme, its host and its port."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: BalanzConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of a site."""
    snapshot, evidence = entry.runtime_data.snapshot, entry.runtime_data.site.evidence()
    settings = _settings(entry)

    def put_together() -> dict[str, Any]:
        return _redacted({**settings, "snapshot": snapshot, **_of_site(evidence)})

    # At a large site it is too much to be done between two events.
    return await hass.async_add_executor_job(put_together)


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: BalanzConfigEntry, device: dr.AnyDeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of a group or a charger; connectors have those of their charger."""
    coordinator = entry.runtime_data
    found = device_of(coordinator.devices.values(), device.identifiers)
    snapshot, evidence = coordinator.snapshot, coordinator.site.evidence()
    settings = _settings(entry)

    def put_together() -> dict[str, Any]:
        return _redacted(_of_device(found, settings, snapshot, evidence))

    return await hass.async_add_executor_job(put_together)


def _settings(entry: BalanzConfigEntry) -> dict[str, Any]:
    return {
        "entry": dict(entry.data),
        "options": dict(entry.options),
        "subentries": [
            {
                "type": subentry.subentry_type,
                "title": subentry.title,
                "unique_id": subentry.unique_id,
                **subentry.data,
            }
            for subentry in entry.subentries.values()
        ],
    }


def _of_site(evidence: Evidence) -> dict[str, Any]:
    return {
        "last_step": {"inputs": evidence.inputs, "result": evidence.result},
        "ledger": evidence.ledger,
        "stations": evidence.stations,
        "replay": packed(evidence.segments),
    }


def _of_device(
    device: Device | None, settings: dict[str, Any], snapshot: SiteSnapshot, evidence: Evidence
) -> dict[str, Any]:
    """Return what concerns a device alone."""
    if device is None:
        return {}
    mine = [one for one in settings["subentries"] if one["unique_id"] == device.key]
    if isinstance(device, ChargerDevice):
        return _of_charger(device.identity, mine, snapshot, evidence)
    inputs, result = evidence.inputs, evidence.result
    return {
        "settings": settings["entry"] if device.is_site else mine,
        "group": snapshot.groups.get(device.id),
        "meter": None if inputs is None else inputs.meters.get(device.id),
        "watch": None if result is None else result.state.meters.get(device.id),
        "decided": None if result is None else result.groups.get(device.id),
        "ledger": [record for record in evidence.ledger if record.get("group") == device.id],
    }


def _of_charger(
    identity: str, settings: Iterable[Mapping[str, Any]], snapshot: SiteSnapshot, evidence: Evidence
) -> dict[str, Any]:
    inputs, result = evidence.inputs, evidence.result
    known = {} if inputs is None else inputs.connectors
    reasons = {} if result is None else result.reasons
    return {
        "settings": settings,
        "charger": snapshot.chargers.get(identity),
        "inputs": {key: one for key, one in known.items() if key.charger == identity},
        "reasons": {key: one for key, one in reasons.items() if key.charger == identity},
        "ledger": [record for record in evidence.ledger if record.get("charger") == identity],
        "station": evidence.stations.get(identity),
    }


def _redacted(found: dict[str, Any]) -> dict[str, Any]:
    return async_redact_data(_plain(found), TO_REDACT)


def _plain(value: object) -> Any:
    """Return a value as what JSON knows."""
    if isinstance(value, KeptFrame):
        way = f"{'from' if value.received else 'to'} {value.peer}"
        return f"{value.at.isoformat(timespec='milliseconds')} {way}: {value.told()}"
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_named(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, datetime):
        return value.isoformat()
    # Where a back office or a file server lets in whoever knows the path, that is a secret.
    return _URL.sub(r"\1\2", value) if isinstance(value, str) and "://" in value else value


def _named(key: object) -> str:
    return f"{key.charger}/{key.connector}" if isinstance(key, ConnectorKey) else str(key)
