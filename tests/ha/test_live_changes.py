"""What the user changes is applied while chargers stay connected."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.site import BalanzSite
from tests.ha.build import (
    CURRENT_SENSORS,
    as_subentry,
    charger,
    group,
    set_up,
    site_entry,
    state_of,
    wait_until,
)
from tests.ha.conftest import DialIn


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str, **changes: Any
) -> None:
    subentry = entry.subentries[subentry_id]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, **changes})
    await hass.async_block_till_done()


def child_names(device_registry: dr.DeviceRegistry) -> list[str | None]:
    parent = device_registry.async_get_device_by_identifier((DOMAIN, "home_charger_CP-1"), "home")
    assert parent is not None
    return [child.name for child in dr.async_entries_for_parent_device(device_registry, parent.id)]


async def test_adding_and_removing_groups_and_chargers_drops_no_socket(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    simulated = await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")

    hass.config_entries.async_add_subentry(entry, as_subentry(group("garage")))
    hass.config_entries.async_add_subentry(entry, as_subentry(charger("CP-2", name="Right")))
    await hass.async_block_till_done()
    assert state_of(hass, "number.garage_capacity") == "20.0"
    assert state_of(hass, "sensor.right_reason") == "not_connected"
    await change(hass, entry, "subentry-CP-1", group="garage", rating_a=10.0, maximum_a=10.0)
    for subentry in list(entry.subentries.values()):
        if subentry.title == "Right":
            hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    await hass.async_block_till_done()

    assert hass.states.get("sensor.right_reason") is None
    assert simulated.connections == 1
    assert simulated.connected


async def test_a_removed_charger_leaves_neither_device_nor_entities(
    hass: HomeAssistant,
    port: int,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    entry = site_entry(port, charger("CP-1", connectors=2))
    await set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, "subentry-CP-1")
    await hass.async_block_till_done()

    assert [device.name for device in device_registry.devices] == ["Home"]
    assert not [one for one in entity_registry.entities if "left" in one]


async def test_a_new_rating_moves_the_end_of_the_maximum(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await change(hass, entry, "subentry-CP-1", rating_a=32.0)

    state = hass.states.get("number.left_maximum_current")
    assert state is not None
    assert state.attributes["max"] == 32.0


async def test_a_new_name_is_the_name_of_the_device(
    hass: HomeAssistant, port: int, device_registry: dr.DeviceRegistry
) -> None:
    entry = site_entry(port, charger("CP-1"), group("garage"))
    await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, title="Cabin")
    hass.config_entries.async_update_subentry(
        entry, entry.subentries["subentry-CP-1"], title="Right"
    )
    await hass.async_block_till_done()

    assert {device.name for device in device_registry.devices} == {"Cabin", "Garage", "Right"}
    assert state_of(hass, "sensor.left_reason") == "not_connected"


async def test_a_charger_that_shows_more_connectors_gets_them(
    hass: HomeAssistant, port: int, dial_in: DialIn, device_registry: dr.DeviceRegistry
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await dial_in("CP-1", connectors=2)

    await wait_until(lambda: hass.states.get("sensor.left_connector_2_status") is not None)
    assert entry.subentries["subentry-CP-1"].data["connectors"] == 2
    assert child_names(device_registry) == ["Connector 1", "Connector 2"]
    await wait_until(lambda: state_of(hass, "sensor.left_connector_2_status") == "available")


async def test_entities_of_the_first_connector_keep_their_ids_when_there_are_more_or_less(
    hass: HomeAssistant, port: int, device_registry: dr.DeviceRegistry
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await change(hass, entry, "subentry-CP-1", connectors=3)
    assert state_of(hass, "sensor.left_reason") == "not_connected"
    await change(hass, entry, "subentry-CP-1", connectors=2)
    assert child_names(device_registry) == ["Connector 1", "Connector 2"]
    assert hass.states.get("sensor.left_connector_3_reason") is None
    await change(hass, entry, "subentry-CP-1", connectors=1)

    assert child_names(device_registry) == []
    assert state_of(hass, "sensor.left_reason") == "not_connected"
    assert hass.states.get("sensor.left_connector_2_reason") is None


async def test_how_a_group_shares_is_changed_without_dropping_a_socket(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    simulated = await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")
    # Its 32 A less 5 A for other loads.
    assert entry.runtime_data.snapshot.groups["root"].available == PhaseCurrents.uniform(27.0)

    advanced = {"policy": "priority", "power_factor": 0.9, "schedule": "00:00-24:00>0=12"}
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "advanced": advanced}, options={"unbalance_a": 20.0}
    )
    await hass.async_block_till_done()

    assert entry.runtime_data.snapshot.groups["root"].available == PhaseCurrents.uniform(7.0)
    assert simulated.connections == 1
    assert simulated.connected


async def test_schedules_follow_the_time_zone_of_home_assistant(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    await hass.config.async_update(time_zone="Asia/Tokyo")
    await hass.async_block_till_done()

    assert str(entry.runtime_data._settings.site.time_zone) == "Asia/Tokyo"


async def test_a_change_that_cannot_be_recorded_is_made_once_the_disk_works(
    hass: HomeAssistant,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = site_entry(port, group("garage"), charger("CP-1", group="garage"))
    await set_up(hass, entry)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        # The old group has to keep a booking for it.
        await change(hass, entry, "subentry-CP-1", group="root")
        assert "must wait for the disk" in caplog.text

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await wait_until(
        lambda: "still_booked" in [one.kind for one in entry.runtime_data.snapshot.problems]
    )


async def test_a_meter_that_is_read_otherwise_is_not_what_was_found_against(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"), supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    with patch.object(BalanzSite, "meter_replaced") as replaced:
        await change(hass, entry, "subentry-CP-1", priority=2)
        replaced.assert_not_called()
        supply = {**CURRENT_SENSORS, "direction": "export_positive"}
        hass.config_entries.async_update_entry(entry, data={**entry.data, "supply": supply})
        await hass.async_block_till_done()
        replaced.assert_called_once_with("root")
