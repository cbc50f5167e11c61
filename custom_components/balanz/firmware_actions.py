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
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.helpers.translation import async_get_exception_message

from .action_files import async_read_file, async_write_file
from .const import DOMAIN
from .entity import recorded
from .site_target import SITE_FIELD, site_target
from .storage.firmware_catalogue import FIELDS
from .storage.firmware_csv import (
    MAX_BYTES,
    FirmwareFileError,
    read_firmwares,
    write_firmwares,
)
from .storage.firmware_entry import FirmwareEntry, FirmwareError

ADD_FIRMWARE = "add_firmware"
REMOVE_FIRMWARE = "remove_firmware"
LIST_FIRMWARE = "list_firmware"
IMPORT_FIRMWARE = "import_firmware"
EXPORT_FIRMWARE = "export_firmware"

ATTR_CSV = "csv"
ATTR_PATH = "path"
ATTR_REPLACE = "replace"
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
    admin(
        REMOVE_FIRMWARE,
        _remove_firmware,
        vol.Schema({vol.Required(ATTR_ID): vol.All(cv.ensure_list, [cv.string]), **SITE_FIELD}),
    )
    admin(LIST_FIRMWARE, _list_firmware, vol.Schema({**SITE_FIELD}), only)
    admin(
        IMPORT_FIRMWARE,
        _import_firmware,
        vol.Schema(
            vol.All(
                {
                    vol.Exclusive(ATTR_CSV, ATTR_CSV): cv.string,
                    vol.Exclusive(ATTR_PATH, ATTR_CSV): cv.string,
                    vol.Optional(ATTR_REPLACE, default=False): cv.boolean,
                    **SITE_FIELD,
                },
                cv.has_at_least_one_key(ATTR_CSV, ATTR_PATH),
            )
        ),
        optional,
    )
    admin(
        EXPORT_FIRMWARE,
        _export_firmware,
        vol.Schema({vol.Optional(ATTR_PATH): cv.string, **SITE_FIELD}),
        optional,
    )


def refused_firmware(error: FirmwareError) -> ServiceValidationError:
    """Return what to tell a user whose firmware cannot be."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=error.code,
        translation_placeholders={"value": error.value},
    )


def refused_firmware_file(error: FirmwareFileError) -> ServiceValidationError:
    """Return what to tell a user whose file cannot be taken over."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=error.code,
        translation_placeholders={"value": error.value, "lines": wrong_lines(error)},
    )


def wrong_lines(error: FirmwareFileError) -> str:
    """Return what is wrong with the lines of a file, one after the other."""
    return "; ".join(
        f"{row.line}: {async_get_exception_message(DOMAIN, row.code, {'value': row.value})}"
        for row in error.rows
    )


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
    path = call.data.get(ATTR_PATH)
    content: bytes | str = call.data.get(ATTR_CSV, "")
    if path is not None:
        content = await async_read_file(call.hass, path, most_bytes=MAX_BYTES)
    try:
        entries = await call.hass.async_add_executor_job(read_firmwares, content)
    except FirmwareFileError as error:
        raise refused_firmware_file(error) from error
    firmware = coordinator.site.firmware
    await _change(lambda: firmware.put_all(entries, replace=call.data[ATTR_REPLACE]))
    return {"imported": len(entries), "total": len(firmware.catalogue)}


async def _export_firmware(call: ServiceCall) -> ServiceResponse:
    """Return the catalogue as CSV, or write it to a file."""
    entries = tuple(site_target(call).site.firmware.catalogue)
    text = await call.hass.async_add_executor_job(write_firmwares, entries)
    path = call.data.get(ATTR_PATH)
    if path is None:
        return {"csv": text, "total": len(entries)}
    await async_write_file(call.hass, path, text)
    return {"total": len(entries)}


async def _change(change: Callable[[], Awaitable[Any]]) -> None:
    """Make a change of the catalogue.

    Raises HomeAssistantError if it cannot be, or not be recorded.
    """
    try:
        with recorded():
            await change()
    except FirmwareError as error:
        raise refused_firmware(error) from error
