"""Tables that users take over from CSV files and write to them, by actions and by forms."""

from typing import Any

import voluptuous as vol
from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.const import ATTR_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import selector
from homeassistant.helpers.translation import async_get_exception_message

from ..const import DOMAIN
from ..storage.csv_cells import CsvError
from ..storage.firmware_csv import FirmwareFileError
from ..storage.firmware_entry import FirmwareError
from ..storage.tag_csv import TagFileError
from ..storage.tags import TagError
from .files import async_read_file, async_write_file
from .site_target import SITE_FIELD

type FileError = FirmwareFileError | TagFileError

ATTR_CSV = "csv"
ATTR_PATH = "path"
ATTR_REPLACE = "replace"
CONF_FILE = "file"

IMPORT_SCHEMA = vol.Schema(
    vol.All(
        {
            vol.Exclusive(ATTR_CSV, ATTR_CSV): cv.string,
            vol.Exclusive(ATTR_PATH, ATTR_CSV): cv.string,
            vol.Optional(ATTR_REPLACE, default=False): cv.boolean,
            **SITE_FIELD,
        },
        cv.has_at_least_one_key(ATTR_CSV, ATTR_PATH),
    )
)
EXPORT_SCHEMA = vol.Schema({vol.Optional(ATTR_PATH): cv.string, **SITE_FIELD})
REMOVE_SCHEMA = vol.Schema(
    {vol.Required(ATTR_ID): vol.All(cv.ensure_list, [cv.string]), **SITE_FIELD}
)


def refused_entry(error: FirmwareError | TagError) -> ServiceValidationError:
    """Return what to tell a user whose tag or firmware cannot be."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=error.code,
        translation_placeholders={"value": error.value},
    )


def refused_file(error: FileError) -> ServiceValidationError:
    """Return what to tell a user whose file cannot be taken over."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=error.code,
        translation_placeholders={"value": error.value, "lines": wrong_lines(error)},
    )


def wrong_lines(error: FileError) -> str:
    """Return what is wrong with the lines of a file, one after the other."""
    return "; ".join(
        f"{row.line}: {async_get_exception_message(DOMAIN, row.code, {'value': row.value})}"
        for row in error.rows
    )


async def async_content(call: ServiceCall, *, most_bytes: int) -> bytes | str:
    """Return what an action is to take over. Raises ServiceValidationError."""
    path = call.data.get(ATTR_PATH)
    if path is None:
        content: str = call.data[ATTR_CSV]
        return content
    return await async_read_file(call.hass, path, most_bytes=most_bytes)


async def async_exported(call: ServiceCall, text: str, total: int) -> ServiceResponse:
    """Return a table as the answer of an action, or write it to a file."""
    path = call.data.get(ATTR_PATH)
    if path is None:
        return {"csv": text, "total": total}
    await async_write_file(call.hass, path, text)
    return {"total": total}


def import_schema() -> vol.Schema:
    """Return the form for a file."""
    return vol.Schema(
        {
            vol.Required(CONF_FILE): selector.FileSelector(
                selector.FileSelectorConfig(accept=".csv,text/csv")
            ),
            vol.Required(ATTR_REPLACE, default=False): selector.BooleanSelector(),
        }
    )


async def async_uploaded(
    hass: HomeAssistant, user_input: dict[str, Any], *, most_bytes: int
) -> bytes:
    """Return the content of the file of a form. Raises CsvError."""

    def read() -> bytes:
        with process_uploaded_file(hass, user_input[CONF_FILE]) as path, path.open("rb") as file:
            return file.read(most_bytes + 1)

    try:
        return await hass.async_add_executor_job(read)
    except (OSError, ValueError) as error:
        raise CsvError("csv_unusable") from error
