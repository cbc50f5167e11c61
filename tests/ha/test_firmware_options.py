"""The firmware catalogue in the options of a site, as whoever clicks through them sees it."""

import os
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.flows import firmware_options
from custom_components.balanz.storage.firmware_catalogue import FIELDS
from custom_components.balanz.storage.firmware_entry import FirmwareEntry
from tests.ha.build import charger, set_up, site_entry

URL = "https://example.com/fw.bin"
ONE = FirmwareEntry(id="One", version="1.1.0", url=URL)
FILE_ID = "a" * 32


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await entry.runtime_data.site.firmware.put(ONE)
    return entry


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    return await hass.config_entries.options.async_configure(form["flow_id"], user_input)


async def opened(hass: HomeAssistant, entry: MockConfigEntry, *steps: str) -> Any:
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    for step in ("firmware", *steps):
        menu = await answer(hass, menu, {"next_step_id": step})
    return menu


def catalogue(entry: MockConfigEntry) -> set[FirmwareEntry]:
    return set(entry.runtime_data.site.firmware.catalogue)


async def test_the_catalogue_is_shown_and_the_menu_offers_what_can_be_done(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    menu = await opened(hass, entry)

    assert menu["description_placeholders"] == {"count": "1", "firmware": "- One: 1.1.0"}
    assert menu["menu_options"] == list(firmware_options.FIRMWARE_MENU)
    finished = await answer(hass, menu, {"next_step_id": "finish"})
    assert finished["type"] is FlowResultType.CREATE_ENTRY


async def test_a_long_catalogue_is_shown_in_part(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    many = [FirmwareEntry(version=f"{n}.0", url=URL) for n in range(100)]
    await entry.runtime_data.site.firmware.put_all(many, replace=True)

    menu = await opened(hass, entry)

    lines = menu["description_placeholders"]["firmware"].splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("- 0.0", 31, "- …")


def test_the_form_asks_for_all_that_a_firmware_has_but_its_id() -> None:
    asked = {str(field) for field in firmware_options.firmware_schema().schema}

    assert asked == set(FIELDS) - {"id"}


async def test_a_firmware_is_added_and_removed_again(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry, "add_firmware")
    menu = await answer(
        hass, form, {"version": " 2.0 ", "url": URL, "vendor": "ACME.*", "release_notes": "New"}
    )

    added = FirmwareEntry(version="2.0", url=URL, vendor="ACME.*", release_notes="New")
    assert catalogue(entry) == {ONE, added}

    form = await answer(hass, menu, {"next_step_id": "remove_firmware"})
    menu = await answer(hass, form, {"firmware": [ONE.key, added.key]})
    assert catalogue(entry) == set()
    assert menu["menu_options"] == list(firmware_options.FIRMWARE_MENU_WHILE_EMPTY)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"url": "nowhere"}, {"url": "firmware_url_invalid"}),
        ({"version": "x" * 51}, {"version": "firmware_version_invalid"}),
        ({"vendor": "("}, {"base": "firmware_pattern_invalid"}),
        ({"signature": "c2ln"}, {"signature": "firmware_signature_incomplete"}),
        ({"version": "One"}, {"base": "firmware_twice"}),
    ],
)
async def test_a_firmware_that_cannot_be_is_explained_and_nothing_changes(
    hass: HomeAssistant, entry: MockConfigEntry, wrong: dict[str, str], errors: dict[str, str]
) -> None:
    form = await opened(hass, entry, "add_firmware")

    refused = await answer(hass, form, {"version": "2", "url": URL} | wrong)

    assert refused["errors"] == errors
    assert catalogue(entry) == {ONE}


async def test_what_is_gone_already_cannot_be_removed(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry, "remove_firmware")
    await entry.runtime_data.site.firmware.remove(["One"])

    refused = await answer(hass, form, {"firmware": [ONE.key]})

    assert refused["errors"] == {"firmware": "firmware_unknown"}


async def test_the_file_of_upstream_is_imported(
    hass: HomeAssistant, entry: MockConfigEntry, uploads: Path
) -> None:
    (uploads / FILE_ID).write_text(
        "firmware_id,charge_point_vendor,charge_point_model,firmware_version,meter_type,url,"
        f"upgrade_from_versions\nA,Garo,,1.5,,{URL},1.4\n"
    )
    form = await opened(hass, entry, "import_firmware")
    await answer(hass, form, {"file": FILE_ID, "replace": True})

    (imported,) = catalogue(entry)
    assert (imported.id, imported.version, imported.vendor) == ("A", "1.5", "Garo.*")


@pytest.mark.parametrize(
    ("content", "error", "lines"),
    [
        (b"version,url\n1,nowhere\n", "csv_rows_wrong", "2: Not an address"),
        (b"name\nA\n", "firmware_file_columns", ""),
        (None, "csv_unusable", ""),
    ],
)
async def test_a_file_that_cannot_be_imported_is_explained_and_nothing_changes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    uploads: Path,
    content: bytes | None,
    error: str,
    lines: str,
) -> None:
    if content is not None:
        (uploads / FILE_ID).write_bytes(content)
    form = await opened(hass, entry, "import_firmware")

    refused = await answer(hass, form, {"file": FILE_ID, "replace": True})

    assert refused["errors"] == {"file": error}
    assert refused["description_placeholders"]["lines"].startswith(lines)
    assert catalogue(entry) == {ONE}


async def test_more_than_there_can_be_is_not_imported(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    uploads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.balanz.storage.firmware_catalogue.MAX_ENTRIES", 1)
    (uploads / FILE_ID).write_text(f"version,url\n1,{URL}\n")
    form = await opened(hass, entry, "import_firmware")

    refused = await answer(hass, form, {"file": FILE_ID, "replace": False})

    assert refused["errors"] == {"file": "firmware_too_many"}


@pytest.mark.parametrize(
    ("step", "user_input"),
    [
        ("add_firmware", {"version": "2", "url": URL}),
        ("remove_firmware", {"firmware": [ONE.key]}),
        ("import_firmware", {"file": FILE_ID, "replace": False}),
    ],
)
async def test_a_disk_that_takes_nothing_is_told(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    uploads: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    user_input: dict[str, Any],
) -> None:
    (uploads / FILE_ID).write_text(f"version,url\n1,{URL}\n")
    form = await opened(hass, entry, step)

    def full(*_: object) -> int:
        raise OSError(28, "No space left")

    monkeypatch.setattr(os, "pwrite", full)

    assert (await answer(hass, form, user_input))["errors"] == {"base": "storage_failing"}
    assert catalogue(entry) == {ONE}


async def test_the_catalogue_of_a_site_that_does_not_run_cannot_be_changed(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)

    aborted = await opened(hass, entry)

    assert (aborted["type"], aborted["reason"]) == (FlowResultType.ABORT, "site_not_running")
