"""A site that had run before and finds its files gone says so, and a new one does not."""

from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.coordinator import storage_path
from tests.ha.build import charger, set_up, site_entry
from tests.ha.test_repairs import issues, placeholders, start_fix
from tests.ha.test_upgrade import old_entry

MISSING = "home_storage_missing_"


async def without(hass: HomeAssistant, entry: MockConfigEntry, *names: str) -> None:
    """Delete files of a site between two set-ups."""
    await hass.config_entries.async_unload(entry.entry_id)
    for name in names:
        (storage_path(hass, entry.entry_id) / name).unlink()
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_a_new_site_has_lost_nothing(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    assert MISSING not in issues(hass)
    await without(hass, entry)
    assert MISSING not in issues(hass)


async def test_records_that_have_gone_are_an_issue_until_it_is_confirmed(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1", advanced={"fallback_a": 6.0, "keeps_limit": True}))
    await set_up(hass, entry)
    await without(hass, entry, "journal.jsonl")
    told = placeholders(hass, MISSING)
    assert told["files"] == "journal.jsonl"
    # The text names the folder where a copy belongs.
    folder = hass.config.path("balanz", told["entry_id"])
    assert storage_path(hass, entry.entry_id) == Path(folder)
    [left] = entry.runtime_data.site.snapshot.chargers["CP-1"].connectors
    assert left.booked_a == 16.0

    await without(hass, entry)
    manager, form = await start_fix(hass, MISSING)
    assert form["description_placeholders"]["files"] == "journal.jsonl"
    result = await manager.async_configure(form["flow_id"], {})
    await hass.async_block_till_done()
    assert result["type"] == "create_entry"
    assert MISSING not in issues(hass)

    await without(hass, entry)
    assert MISSING not in issues(hass)


async def test_a_folder_that_has_gone_costs_all_files(hass: HomeAssistant, port: int) -> None:
    """As after moving `.storage` to another machine and forgetting the rest."""
    entry = site_entry(port)
    await set_up(hass, entry)
    await without(hass, entry, "journal.jsonl", "tags.jsonl", "firmware.jsonl")
    assert placeholders(hass, MISSING)["files"] == "firmware.jsonl, journal.jsonl, tags.jsonl"


async def test_files_that_an_earlier_version_has_not_known_are_not_missed(
    hass: HomeAssistant, port: int
) -> None:
    entry = old_entry(hass, port)
    await set_up(hass, entry)
    assert MISSING not in issues(hass)


async def test_a_site_of_which_nothing_is_remembered_begins_anew(
    hass: HomeAssistant, port: int, hass_storage: dict[str, Any]
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    del hass_storage["balanz.home"]
    await without(hass, entry, "tags.jsonl")
    assert MISSING not in issues(hass)
    await without(hass, entry, "tags.jsonl")
    assert placeholders(hass, MISSING)["files"] == "tags.jsonl"
