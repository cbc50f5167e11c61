"""Diagnostics: what a developer needs to see, without what names a household or lets anybody in."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from homeassistant.components.diagnostics import REDACTED
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .balancing.model import ConnectorKey
from .coordinator import BalanzConfigEntry
from .csms.frame_log import FrameLog, KeptFrame
from .devices import ChargerDevice, Device, device_of
from .site.evidence import Evidence
from .site.packed_text import Packer
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
PACKED = "packed"
"""The name of what `script/unpack` makes readable again."""
LONGEST_READABLE = 200_000
"""Characters of one part, such as what twenty chargers have said; more takes tools to read."""
_URL = re.compile(r"(\w+://)(?:[^/\s@]*@)?([^/\s?#]+)\S*")
"""What is told of a URL is its scheme, its host and its port."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: BalanzConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of a site."""
    snapshot, evidence = entry.runtime_data.snapshot, entry.runtime_data.site.evidence()
    settings = _settings(entry)

    def put_together() -> dict[str, Any]:
        return _told({**settings, "snapshot": snapshot, **_of_site(evidence)})

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
        return _told(_of_device(found, settings, snapshot, evidence))

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
        "ledger": tuple(evidence.records()),
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
        "ledger": [record for record in evidence.records() if record.get("group") == device.id],
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
        "ledger": [record for record in evidence.records() if record.get("charger") == identity],
        "station": evidence.stations.get(identity),
    }


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a file as what JSON knows, without secrets."""
    return {name: _readable_or_packed(part) for name, part in found.items()}


def _readable_or_packed(part: object) -> Any:
    """Return a part as plain values, or as a packed text where it is long.

    Home Assistant writes the file in its event loop: a text costs little there, a million values
    do not. For the same reason a long part is never there as plain values, not even in a thread,
    where the garbage collector would hold everybody up.
    """
    pieces = _pieces(part)
    begin = "".join(_first(pieces, LONGEST_READABLE))
    more = next(pieces, None)
    if more is None:
        return json.loads(begin)
    packer = Packer()
    packer.add(chain((begin, more), pieces))
    return {PACKED: packer.finish()}


def _first(pieces: Iterator[str], characters: int) -> Iterator[str]:
    """Take pieces until they are that long in all."""
    while characters > 0 and (piece := next(pieces, None)) is not None:
        characters -= len(piece)
        yield piece


def _pieces(value: object) -> Iterator[str]:
    """Yield a value as pieces of JSON, without secrets."""
    if is_dataclass(value) and not isinstance(value, (KeptFrame, type)):
        yield from _members((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, Mapping):
        yield from _members((_named(key), part) for key, part in value.items())
    elif isinstance(value, (tuple, list)):
        yield from _elements(value)
    elif isinstance(value, FrameLog):
        yield from _elements(value.frames)
    elif isinstance(value, frozenset):
        yield from _elements(sorted(map(str, value)))
    else:
        yield json.dumps(_leaf(value))


def _members(parts: Iterable[tuple[str, object]]) -> Iterator[str]:
    between = "{"
    for name, part in parts:
        yield f"{between}{json.dumps(name)}:"
        if name in TO_REDACT and part not in (None, ""):
            yield json.dumps(REDACTED)
        else:
            yield from _pieces(part)
        between = ","
    yield "}" if between == "," else "{}"


def _elements(parts: Iterable[object]) -> Iterator[str]:
    between = "["
    for part in parts:
        yield between
        yield from _pieces(part)
        between = ","
    yield "]" if between == "," else "[]"


def _leaf(value: object) -> object:
    if isinstance(value, KeptFrame):
        way = f"{'from' if value.received else 'to'} {value.peer}"
        return f"{value.at.isoformat(timespec='milliseconds')} {way}: {value.told()}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    # Where a back office or a file server lets in whoever knows the path, that is a secret.
    return _URL.sub(r"\1\2", value) if isinstance(value, str) and "://" in value else value


def _named(key: object) -> str:
    return f"{key.charger}/{key.connector}" if isinstance(key, ConnectorKey) else str(key)
