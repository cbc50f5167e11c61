"""What a site has kept outlives new versions of balanz, and a name is only a name.

`data/site_0_1_0` is what version 0.1.0 left behind, settings and records; it is never changed.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.coordinator import storage_path
from tests.ha.build import charger, group, set_up, site_entry, state_of

OLD = Path(__file__).parent / "data" / "site_0_1_0"


def old_entry(hass: HomeAssistant, port: int, **changes: Any) -> MockConfigEntry:
    """Return the entry of version 0.1.0, with its records in place."""
    kept = json.loads((OLD / "entry.json").read_text())
    kept["data"]["port"] = port
    subentries: list[ConfigSubentryDataWithId] = kept.pop("subentries")
    settings = {**kept, "entry_id": "home", "subentries_data": subentries, **changes}
    shutil.copytree(OLD / "storage", storage_path(hass, "home"))
    return MockConfigEntry(domain=DOMAIN, **settings)


async def test_a_site_of_the_first_version_goes_on_as_it_was(
    hass: HomeAssistant, port: int
) -> None:
    entry = old_entry(hass, port)
    await set_up(hass, entry)

    assert state_of(hass, "number.garage_capacity") == "21.0"
    assert state_of(hass, "number.left_maximum_current") == "13.0"
    assert state_of(hass, "switch.left_charging_allowed") == "off"
    assert state_of(hass, "switch.home_smart_charging") == "off"
    assert state_of(hass, "sensor.left_energy") == "5.0"
    site = entry.runtime_data.site
    [known] = site.tags.known
    assert (known.id, known.name, known.priority) == ("04A1", "Anne", 5)
    [left] = site.snapshot.chargers["CP-1"].connectors
    assert left.energy_wh == 5000
    assert left.session_energy_wh == 4000
    assert left.booked_a == 16
    assert not site.snapshot.problems


async def test_a_site_of_the_first_version_is_not_rewritten_for_nothing(
    hass: HomeAssistant, port: int
) -> None:
    """Whoever goes back to the version before finds what it wrote."""
    entry = old_entry(hass, port)
    before = (dict(entry.data), {id_: dict(one.data) for id_, one in entry.subentries.items()})
    await set_up(hass, entry)

    assert (dict(entry.data), {id_: dict(one.data) for id_, one in entry.subentries.items()}) == (
        before
    )


async def test_settings_of_a_later_kind_are_left_alone(hass: HomeAssistant, port: int) -> None:
    """Nobody guesses what they mean: the site does not start, and its records stay."""
    entry = old_entry(hass, port, version=2)
    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    kept = (storage_path(hass, "home") / "journal.jsonl").read_bytes()
    assert kept == (OLD / "storage" / "journal.jsonl").read_bytes()


async def test_settings_that_say_more_than_is_known_are_read(
    hass: HomeAssistant, port: int
) -> None:
    entry = old_entry(hass, port, minor_version=9, options={"of_tomorrow": True})
    await set_up(hass, entry)

    assert state_of(hass, "number.garage_capacity") == "21.0"


def registered(hass: HomeAssistant) -> dict[str, str]:
    entities = er.async_entries_for_config_entry(er.async_get(hass), "home")
    return {entity.unique_id: entity.entity_id for entity in entities}


async def test_whatever_is_renamed_or_moved_keeps_its_entities_and_so_its_history(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("g1"), charger("CP-1", group="g1"))
    await set_up(hass, entry)
    before = registered(hass)

    hass.config_entries.async_update_entry(entry, title="Cabin")
    left, garage = entry.subentries["subentry-CP-1"], entry.subentries["subentry-g1"]
    hass.config_entries.async_update_subentry(entry, garage, title="Barn")
    moved = {**left.data, "group": "root"}
    hass.config_entries.async_update_subentry(entry, left, title="Right", data=moved)
    await hass.async_block_till_done()
    assert registered(hass) == before
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert registered(hass) == before
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), "home")
    assert {device.name for device in devices} == {"Cabin", "Barn", "Right"}


async def test_a_charger_that_comes_back_after_it_was_removed_has_its_old_ids(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    before = registered(hass)
    subentry = entry.subentries["subentry-CP-1"]
    hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    await hass.async_block_till_done()

    hass.config_entries.async_add_subentry(entry, subentry)
    await hass.async_block_till_done()

    assert registered(hass) == before


async def test_a_device_begins_in_the_area_that_has_its_name_or_that_of_its_group(
    hass: HomeAssistant, port: int, area_registry: ar.AreaRegistry
) -> None:
    garage, drive = area_registry.async_create("Garage"), area_registry.async_create("Drive")
    await set_up(
        hass,
        site_entry(
            port,
            group("g1"),
            charger("CP-1", group="g1"),
            charger("CP-2", name="Drive", group="g1"),
            charger("CP-3", name="Alone"),
        ),
    )

    devices = dr.async_entries_for_config_entry(dr.async_get(hass), "home")
    assert {device.name: device.area_id for device in devices} == {
        "Home": None,
        "Garage": garage.id,
        "Left": garage.id,
        "Drive": drive.id,
        "Alone": None,
    }
    assert len(area_registry.areas) == 2


async def test_a_device_stays_in_the_area_that_it_was_put_in(
    hass: HomeAssistant, port: int, area_registry: ar.AreaRegistry
) -> None:
    area_registry.async_create("Garage")
    entry = site_entry(port, group("g1"), charger("CP-1", group="g1"))
    await set_up(hass, entry)
    registry = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(registry, "home"):
        registry.async_update_device(device.id, area_id=None)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    devices = dr.async_entries_for_config_entry(registry, "home")
    assert {device.area_id for device in devices} == {None}
