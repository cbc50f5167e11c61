"""The firmware catalogue of a site in its options: what is in it, and changes of it."""

from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.helpers import selector

from ..actions.csv_files import ATTR_REPLACE, CONF_FILE, async_uploaded, import_schema, wrong_lines
from ..coordinator import BalanzConfigEntry
from ..selectors import choice
from ..site.firmware_updates import FirmwareUpdates
from ..storage.csv_cells import CsvError
from ..storage.firmware_csv import MAX_BYTES, FirmwareFileError, read_firmwares
from ..storage.firmware_entry import FirmwareEntry, FirmwareError
from ..storage.journal import StorageError
from .forms import Errors

CONF_FIRMWARE = "firmware"
FIRMWARE_MENU = ("add_firmware", "remove_firmware", "import_firmware", "finish")
FIRMWARE_MENU_WHILE_EMPTY = ("add_firmware", "import_firmware", "finish")
MOST_SHOWN = 30
"""So many firmwares are shown; the action to list them tells them all."""
_PLAIN = ("version", "url", "vendor", "model", "meter_type", "from_versions")
_LONG = ("release_notes", "certificate", "signature")
FIELDS_OF_FIRMWARE_ERRORS = {
    "firmware_version_invalid": "version",
    "firmware_id_invalid": "version",
    "firmware_url_invalid": "url",
    "firmware_notes_too_long": "release_notes",
    "firmware_signature_incomplete": "signature",
    "firmware_certificate_too_long": "certificate",
    "firmware_signature_too_long": "signature",
}
"""The fields of the form that errors are about; the others may be about several."""
GENERAL_FIRMWARE_ERRORS = (
    "firmware_pattern_invalid",
    "firmware_pattern_too_complex",
    "firmware_too_many",
    "firmware_twice",
)


def firmware_schema() -> vol.Schema:
    """Return the form for a firmware."""
    line = selector.TextSelector()
    lines = selector.TextSelector(selector.TextSelectorConfig(multiline=True))
    required = {vol.Required(name): line for name in _PLAIN[:2]}
    optional = {vol.Optional(name): line for name in _PLAIN[2:]}
    return vol.Schema({**required, **optional, **{vol.Optional(name): lines for name in _LONG}})


def firmware_choice_schema(labels: dict[str, str]) -> vol.Schema:
    """Return the form for a choice among firmwares; `labels` are by key."""
    return vol.Schema({vol.Required(CONF_FIRMWARE): choice(labels, multiple=True)})


class FirmwareSteps(OptionsFlow):
    """The steps of an options flow about firmware. The catalogue is changed at once."""

    config_entry: BalanzConfigEntry

    async def async_step_firmware(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the catalogue, and what can be done."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="site_not_running")
        labels = list(self._firmware_labels().values())
        shown = [f"- {label}" for label in labels[:MOST_SHOWN]]
        if len(labels) > MOST_SHOWN:
            shown.append("- …")
        return self.async_show_menu(
            step_id="firmware",
            menu_options=list(FIRMWARE_MENU if labels else FIRMWARE_MENU_WHILE_EMPTY),
            description_placeholders={"count": str(len(labels)), "firmware": "\n".join(shown)},
        )

    async def async_step_add_firmware(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new firmware."""
        errors: Errors = {}
        value = ""
        if user_input is not None:
            try:
                told = {name: text.strip() for name, text in user_input.items()}
                entry = FirmwareEntry(**told)
                if self._firmware.catalogue.get(entry.id) is not None:
                    raise FirmwareError("firmware_twice", entry.id)
                await self._firmware.put(entry)
            except FirmwareError as error:
                errors[FIELDS_OF_FIRMWARE_ERRORS.get(error.code, "base")] = error.code
                value = error.value
            except StorageError:
                errors["base"] = "storage_failing"
            if not errors:
                return await self.async_step_firmware()
        return self.async_show_form(
            step_id="add_firmware",
            data_schema=self.add_suggested_values_to_schema(firmware_schema(), user_input or {}),
            errors=errors,
            description_placeholders={"value": value},
        )

    async def async_step_remove_firmware(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which firmwares to remove."""
        errors: Errors = {}
        if user_input is not None:
            try:
                await self._firmware.remove(user_input[CONF_FIRMWARE])
            except FirmwareError as error:
                errors[CONF_FIRMWARE] = error.code
            except StorageError:
                errors["base"] = "storage_failing"
            if not errors:
                return await self.async_step_firmware()
        return self.async_show_form(
            step_id="remove_firmware",
            data_schema=firmware_choice_schema(self._firmware_labels()),
            errors=errors,
        )

    async def async_step_import_firmware(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a CSV file, and take it over as a whole or not at all."""
        errors: Errors = {}
        placeholders = {"lines": "", "value": ""}
        if user_input is not None:
            try:
                content = await async_uploaded(self.hass, user_input, most_bytes=MAX_BYTES)
                entries = await self.hass.async_add_executor_job(read_firmwares, content)
                await self._firmware.put_all(entries, replace=user_input[ATTR_REPLACE])
            except FirmwareFileError as error:
                errors[CONF_FILE] = error.code
                placeholders = {"lines": wrong_lines(error), "value": error.value}
            except (CsvError, FirmwareError) as error:
                errors[CONF_FILE] = error.code
                placeholders["value"] = error.value
            except StorageError:
                errors["base"] = "storage_failing"
            if not errors:
                return await self.async_step_firmware()
        return self.async_show_form(
            step_id="import_firmware",
            data_schema=import_schema(),
            errors=errors,
            description_placeholders=placeholders,
        )

    @property
    def _firmware(self) -> FirmwareUpdates:
        return self.config_entry.runtime_data.site.firmware

    def _firmware_labels(self) -> dict[str, str]:
        """Return what the user knows each firmware by, in the order of the alphabet."""
        entries = sorted(self._firmware.catalogue, key=lambda entry: entry.key)
        return {entry.key: _label(entry) for entry in entries}


def _label(entry: FirmwareEntry) -> str:
    return entry.id if entry.version in entry.id else f"{entry.id}: {entry.version}"
