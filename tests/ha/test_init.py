"""A site starts with its config entry, tells why it cannot, and leaves nothing behind."""

import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant

from custom_components.balanz.coordinator import storage_path
from tests.ha.build import set_up, site_entry


def is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def state_of_entry(entry: ConfigEntry) -> ConfigEntryState:
    return entry.state


async def test_a_loaded_entry_listens_and_an_unloaded_one_does_not(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    assert state_of_entry(entry) is ConfigEntryState.LOADED
    assert not is_free(port)

    await hass.config_entries.async_unload(entry.entry_id)

    assert entry.state is ConfigEntryState.NOT_LOADED
    assert is_free(port)


async def test_a_port_that_is_taken_is_tried_again(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        await set_up(hass, entry)
    assert state_of_entry(entry) is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_listen"
    assert entry.error_reason_translation_placeholders == {
        "host": "127.0.0.1",
        "port": str(port),
        "error": "Address already in use",
    }

    await hass.config_entries.async_reload(entry.entry_id)

    assert entry.state is ConfigEntryState.LOADED


async def test_a_folder_that_cannot_be_used_is_tried_again(
    hass: HomeAssistant, port: int, tmp_path: Path
) -> None:
    entry = site_entry(port)
    (tmp_path / "balanz").write_text("a file where the folder should be")

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "storage_unusable"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_site_that_cannot_be_is_not_started_and_its_field_is_named(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, rating_a=-5.0)

    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "settings_refused"
    assert entry.error_reason_translation_placeholders is not None
    assert entry.error_reason_translation_placeholders["field"] == "rating_a"
    assert is_free(port)


async def test_home_assistant_stops_without_chargers_hanging_on(
    hass: HomeAssistant, port: int
) -> None:
    await set_up(hass, site_entry(port))

    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()

    assert is_free(port)


async def test_a_removed_entry_leaves_no_files(
    hass: HomeAssistant, port: int, hass_storage: dict[str, Any]
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    folder = storage_path(hass, entry.entry_id)
    assert folder.exists()
    assert f"balanz.{entry.entry_id}" in hass_storage

    await hass.config_entries.async_remove(entry.entry_id)

    assert not folder.parent.exists()
    assert f"balanz.{entry.entry_id}" not in hass_storage


async def test_a_removed_entry_leaves_the_files_of_another_site(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    other = storage_path(hass, "another") / "journal.jsonl"
    other.parent.mkdir()
    other.touch()

    await hass.config_entries.async_remove(entry.entry_id)

    assert other.exists()


async def test_an_address_that_cannot_be_looked_up_is_told(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    # Names are not looked up in tests.
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with patch("asyncio.base_events.BaseEventLoop.create_server", side_effect=unknown):
        await set_up(hass, entry)

    assert entry.error_reason_translation_placeholders is not None
    assert "Name or service not known" in entry.error_reason_translation_placeholders["error"]


async def test_pairing_is_open_after_the_first_set_up(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)

    assert entry.runtime_data.snapshot.pairing_until is not None
