"""Actions for tags: who may charge, and the answer to who is asked about."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ID, ATTR_NAME
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from ..balancing.model import ConnectorKey
from ..const import DOMAIN
from ..coordinator import BalanzCoordinator
from ..devices import ChargerDevice
from ..entity import recorded
from ..storage.tag_csv import MAX_BYTES, TagFileError, read_tags, write_tags
from ..storage.tags import HIGHEST_PRIORITY, LOWEST_PRIORITY, Tag, TagError, TagStatus
from .csv_files import (
    ATTR_REPLACE,
    EXPORT_SCHEMA,
    IMPORT_SCHEMA,
    REMOVE_SCHEMA,
    async_content,
    async_exported,
    refused_entry,
    refused_file,
)
from .site_target import SITE_FIELD, running_sites, site_target

SET_TAG = "set_tag"
REMOVE_TAG = "remove_tag"
LIST_TAGS = "list_tags"
IMPORT_TAGS = "import_tags"
EXPORT_TAGS = "export_tags"
ANSWER_TAG = "answer_tag"
SET_SESSION_PRIORITY = "set_session_priority"

ATTR_ALLOW = "allow"
ATTR_CONNECTOR = "connector"
ATTR_EXPIRES = "expires"
ATTR_PARENT = "parent"
ATTR_PERSON = "person"
ATTR_PRIORITY = "priority"
ATTR_REMEMBER = "remember"
ATTR_SESSIONS = "sessions"
ATTR_STATUS = "status"
ATTR_VALID_IN = "valid_in"

# What is longer is no id; it is told so in the user's language, by the tag itself.
_PRIORITY = vol.All(vol.Coerce(int), vol.Range(LOWEST_PRIORITY, HIGHEST_PRIORITY))


def _or_none(validator: object) -> vol.Any:
    return vol.Any(None, validator)


SET_TAG_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_ID): cv.string,
        vol.Optional(ATTR_NAME): _or_none(cv.string),
        vol.Optional(ATTR_PERSON): _or_none(cv.string),
        vol.Optional(ATTR_STATUS): vol.Coerce(TagStatus),
        vol.Optional(ATTR_EXPIRES): _or_none(cv.datetime),
        vol.Optional(ATTR_PARENT): _or_none(cv.string),
        vol.Optional(ATTR_PRIORITY): _or_none(vol.Coerce(int)),
        vol.Optional(ATTR_VALID_IN): _or_none(vol.All(cv.ensure_list, [cv.string])),
        vol.Optional(ATTR_SESSIONS): _or_none(vol.Coerce(int)),
        **SITE_FIELD,
    }
)


@callback
def async_setup_tag_actions(hass: HomeAssistant) -> None:
    """Register the actions for tags. Only the answer about a tag is not for admins alone."""
    optional, only = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    admin = partial(async_register_admin_service, hass, DOMAIN)
    admin(SET_TAG, _set_tag, SET_TAG_SCHEMA)
    admin(REMOVE_TAG, _remove_tag, REMOVE_SCHEMA)
    admin(LIST_TAGS, _list_tags, vol.Schema({**SITE_FIELD}), only)
    admin(IMPORT_TAGS, _import_tags, IMPORT_SCHEMA, optional)
    admin(EXPORT_TAGS, _export_tags, EXPORT_SCHEMA, optional)
    admin(
        SET_SESSION_PRIORITY,
        _set_session_priority,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional(ATTR_CONNECTOR): cv.positive_int,
                vol.Optional(ATTR_PRIORITY): _or_none(_PRIORITY),
            }
        ),
    )
    hass.services.async_register(
        DOMAIN,
        ANSWER_TAG,
        _answer_tag,
        vol.Schema(
            {
                vol.Required(ATTR_ID): cv.string,
                vol.Required(ATTR_ALLOW): cv.boolean,
                vol.Optional(ATTR_REMEMBER, default=False): cv.boolean,
                vol.Optional(ATTR_NAME): cv.string,
                **SITE_FIELD,
            }
        ),
    )


def in_local_time(moment: datetime) -> datetime:
    """Return a moment that a user has told; without a zone it is by the clock of the house."""
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=dt_util.get_default_time_zone())


async def _set_tag(call: ServiceCall) -> None:
    """Add a tag, or change what is told of one that is known."""
    coordinator = site_target(call)
    data = call.data
    known = coordinator.site.tags.known.get(data[ATTR_ID])
    told: dict[str, Any] = {} if known is None else _fields(known)
    told["id"] = data[ATTR_ID].strip()
    for name in (ATTR_PERSON, ATTR_PARENT, ATTR_PRIORITY, ATTR_SESSIONS, ATTR_STATUS):
        if name in data:
            told[name] = data[name]
    if ATTR_NAME in data:
        told["name"] = data[ATTR_NAME] or ""
    if ATTR_EXPIRES in data:
        expires = data[ATTR_EXPIRES]
        told["expires_at"] = None if expires is None else in_local_time(expires)
    if ATTR_VALID_IN in data:
        told["places"] = _places_of(coordinator, data[ATTR_VALID_IN] or [])
    await _change(lambda: coordinator.site.tags.put(Tag(**told)))


async def _remove_tag(call: ServiceCall) -> None:
    """Remove tags; if one of them is not known, none."""
    coordinator = site_target(call)
    await _change(lambda: coordinator.site.tags.remove(call.data[ATTR_ID]))


async def _list_tags(call: ServiceCall) -> ServiceResponse:
    """Return all tags, and the ids of those that the user can answer for."""
    coordinator = site_target(call)
    registry = dr.async_get(call.hass)
    device_ids = {
        key: found.id
        for key, device in coordinator.devices.items()
        if (
            found := registry.async_get_device_by_identifier(
                (DOMAIN, device.unique_id), device.entry_id
            )
        )
    }
    tags = tuple(coordinator.site.tags.known)
    listed: list[JsonValueType] = await call.hass.async_add_executor_job(_listed, tags, device_ids)
    return {"tags": listed, "asked": list(coordinator.site.tags.asked)}


async def _import_tags(call: ServiceCall) -> ServiceResponse:
    """Take over a CSV file as a whole; a single wrong line refuses all of it."""
    coordinator = site_target(call)
    content = await async_content(call, most_bytes=MAX_BYTES)
    try:
        read = partial(read_tags, content, places=frozenset(coordinator.devices))
        tags = await call.hass.async_add_executor_job(read)
    except TagFileError as error:
        raise refused_file(error) from error
    site_tags = coordinator.site.tags
    await _change(lambda: site_tags.put_all(tags, replace=call.data[ATTR_REPLACE]))
    return {"imported": len(tags), "total": len(site_tags.known)}


async def _export_tags(call: ServiceCall) -> ServiceResponse:
    """Return all tags as CSV, or write them to a file."""
    tags = tuple(site_target(call).site.tags.known)
    text = await call.hass.async_add_executor_job(write_tags, tags)
    return await async_exported(call, text, len(tags))


async def _answer_tag(call: ServiceCall) -> None:
    """Let an unknown tag charge or not, this once or for good."""
    coordinator = site_target(call)
    data = call.data
    site_tags = coordinator.site.tags
    try:
        asked = site_tags.question(data[ATTR_ID])
        if data[ATTR_REMEMBER] and site_tags.known.get(asked) is None:
            status = TagStatus.ACCEPTED if data[ATTR_ALLOW] else TagStatus.BLOCKED
            tag = Tag(id=asked, name=data.get(ATTR_NAME, ""), status=status)
            with recorded():
                await site_tags.put(tag)
        site_tags.answer(asked, allow=data[ATTR_ALLOW])
    except TagError as error:
        raise refused_entry(error) from error


async def _set_session_priority(call: ServiceCall) -> None:
    """Set the priority of what runs at a connector, until it ends."""
    coordinator, key = _connector_of(call)
    if not coordinator.site.set_session_priority(key, call.data.get(ATTR_PRIORITY)):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_transaction_runs"
        )


async def _change(change: Callable[[], Any]) -> None:
    """Make a change of tags. Raises HomeAssistantError if it cannot be, or not be recorded."""
    try:
        with recorded():
            await change()
    except TagError as error:
        raise refused_entry(error) from error


def _fields(tag: Tag) -> dict[str, Any]:
    return {field.name: getattr(tag, field.name) for field in fields(tag) if field.init}


def _listed(tags: tuple[Tag, ...], device_ids: Mapping[str, str]) -> list[JsonValueType]:
    return [
        {
            "id": tag.id,
            "name": tag.name,
            "person": tag.person,
            "status": tag.status.value,
            "expires": None if tag.expires_at is None else tag.expires_at.isoformat(),
            "parent": tag.parent,
            "priority": tag.priority,
            "valid_in": [device_ids.get(place, place) for place in sorted(tag.places)],
            "sessions": tag.sessions,
        }
        for tag in sorted(tags, key=lambda tag: (tag.name.casefold(), tag.key))
    ]


def _places_of(coordinator: BalanzCoordinator, device_ids: list[str]) -> frozenset[str]:
    """Return the groups and chargers behind devices. Raises ServiceValidationError."""
    registry = dr.async_get(coordinator.hass)
    keys = {device.unique_id: key for key, device in coordinator.devices.items()}
    places = set()
    for device_id in device_ids:
        device = registry.async_get(device_id)
        names = () if device is None else (name for _, name in device.identifiers)
        key = next((keys[name] for name in names if name in keys), None)
        if key is None:
            raise refused_entry(TagError("tag_place_unknown", device_id))
        places.add(key)
    return frozenset(places)


def _connector_of(call: ServiceCall) -> tuple[BalanzCoordinator, ConnectorKey]:
    """Return the connector that an action is about. Raises ServiceValidationError."""
    device = dr.async_get(call.hass).async_get(call.data[ATTR_DEVICE_ID])
    names = set() if device is None else {name for _, name in device.identifiers}
    for entry in running_sites(call.hass):
        for one in entry.runtime_data.devices.values():
            if not isinstance(one, ChargerDevice):
                continue
            for key in one.connector_keys:
                wanted = call.data.get(ATTR_CONNECTOR, key.connector)
                own = one.connector_unique_id(key.connector) in names
                if own or (one.unique_id in names and wanted == key.connector):
                    return entry.runtime_data, key
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_connector")
