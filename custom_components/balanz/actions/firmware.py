"""Actions for the firmware catalogue: what there is for which chargers."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import voluptuous as vol
from homeassistant.const import ATTR_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service

from ..const import DOMAIN
from ..entity import recorded
from ..storage.firmware_catalogue import FIELDS
from ..storage.firmware_csv import MAX_BYTES, FirmwareFileError, read_firmwares, write_firmwares
from ..storage.firmware_entry import FirmwareEntry, FirmwareError
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
from .site_target import SITE_FIELD, site_target

ADD_FIRMWARE = "add_firmware"
REMOVE_FIRMWARE = "remove_firmware"
LIST_FIRMWARE = "list_firmware"
IMPORT_FIRMWARE = "import_firmware"
EXPORT_FIRMWARE = "export_firmware"

ATTR_URL = "url"
ATTR_VERSION = "version"

ADD_FIRMWARE_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_VERSION): cv.string,
        vol.Required(ATTR_URL): cv.string,
        **{
            vol.Optional(name): cv.string for name in FIELDS if name not in (ATTR_VERSION, ATTR_URL)
        },
        **SITE_FIELD,
    }
)


@callback
def async_setup_firmware_actions(hass: HomeAssistant) -> None:
    """Register the actions; all of them are for administrators only."""
    optional, only = SupportsResponse.OPTIONAL, SupportsResponse.ONLY
    admin = partial(async_register_admin_service, hass, DOMAIN)
    admin(ADD_FIRMWARE, _add_firmware, ADD_FIRMWARE_SCHEMA)
    admin(REMOVE_FIRMWARE, _remove_firmware, REMOVE_SCHEMA)
    admin(LIST_FIRMWARE, _list_firmware, vol.Schema({**SITE_FIELD}), only)
    admin(IMPORT_FIRMWARE, _import_firmware, IMPORT_SCHEMA, optional)
    admin(EXPORT_FIRMWARE, _export_firmware, EXPORT_SCHEMA, optional)


async def _add_firmware(call: ServiceCall) -> None:
    """Add a firmware, or replace the one with its id."""
    coordinator = site_target(call)
    told = {name: call.data[name] for name in FIELDS if name in call.data}
    await _change(lambda: coordinator.site.firmware.put(FirmwareEntry(**told)))


async def _remove_firmware(call: ServiceCall) -> None:
    """Remove firmwares; if one of them is not known, none."""
    coordinator = site_target(call)
    await _change(lambda: coordinator.site.firmware.remove(call.data[ATTR_ID]))


async def _list_firmware(call: ServiceCall) -> ServiceResponse:
    """Return the catalogue, and what there is for each charger."""
    coordinator = site_target(call)
    catalogue = sorted(coordinator.site.firmware.catalogue, key=lambda entry: entry.key)
    return {
        "firmware": [{name: getattr(entry, name) for name in FIELDS} for entry in catalogue],
        "chargers": [
            {
                "identity": charger.identity,
                "name": charger.name,
                "installed_version": charger.firmware.installed,
                "latest_version": charger.firmware.latest,
            }
            for charger in coordinator.site.snapshot.chargers.values()
        ],
    }


async def _import_firmware(call: ServiceCall) -> ServiceResponse:
    """Take over a CSV file as a whole; a single wrong line refuses all of it."""
    coordinator = site_target(call)
    content = await async_content(call, most_bytes=MAX_BYTES)
    try:
        entries = await call.hass.async_add_executor_job(read_firmwares, content)
    except FirmwareFileError as error:
        raise refused_file(error) from error
    firmware = coordinator.site.firmware
    await _change(lambda: firmware.put_all(entries, replace=call.data[ATTR_REPLACE]))
    return {"imported": len(entries), "total": len(firmware.catalogue)}


async def _export_firmware(call: ServiceCall) -> ServiceResponse:
    """Return the catalogue as CSV, or write it to a file."""
    entries = tuple(site_target(call).site.firmware.catalogue)
    text = await call.hass.async_add_executor_job(write_firmwares, entries)
    return await async_exported(call, text, len(entries))


async def _change(change: Callable[[], Awaitable[Any]]) -> None:
    """Make a change of the catalogue.

    Raises HomeAssistantError if it cannot be, or not be recorded.
    """
    try:
        with recorded():
            await change()
    except FirmwareError as error:
        raise refused_entry(error) from error
