"""Which entities devices have is the user's choice, and is applied while chargers are connected."""

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz import coordinator
from custom_components.balanz.charger_entities import CHARGER_ENTITIES, async_charger_entity_names
from custom_components.balanz.charger_sensors import TOLD_SENSORS
from custom_components.balanz.connector_sensors import REPORTED_SENSORS
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

STOP_REASON = "sensor.left_reason_for_the_last_stop"


@pytest.fixture(autouse=True)
def devices_are_few_in_a_portion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "PORTION", 1)


async def choose(hass: HomeAssistant, entry: MockConfigEntry, **options: Any) -> None:
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.async_block_till_done()


def entities_of(registry: er.EntityRegistry, entry: MockConfigEntry) -> dict[str, er.RegistryEntry]:
    return {
        one.entity_id: one for one in er.async_entries_for_config_entry(registry, entry.entry_id)
    }


async def test_without_details_there_is_nothing_that_is_disabled(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry
) -> None:
    entry = site_entry(port, charger("CP-1"), options={"details": False})
    await set_up(hass, entry)

    found = entities_of(entity_registry, entry)

    assert {"sensor.left_status", "sensor.home_available"} <= set(found)
    assert not [entity_id for entity_id, one in found.items() if one.disabled]


async def test_details_go_and_come_back_and_no_socket_is_dropped(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"), charger("CP-2", name="Right"))
    await set_up(hass, entry)
    simulated = await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")
    before = entities_of(entity_registry, entry)
    disabled = {entity_id for entity_id, one in before.items() if one.disabled}
    assert STOP_REASON in disabled

    await choose(hass, entry, details=False)

    assert entities_of(entity_registry, entry).keys() == before.keys() - disabled
    assert state_of(hass, "sensor.left_status") == "available"

    await choose(hass, entry, details=True)

    after = entities_of(entity_registry, entry)
    assert after.keys() == before.keys()
    assert {entity_id for entity_id, one in after.items() if one.disabled} == disabled
    assert state_of(hass, "sensor.left_status") == "available"
    assert simulated.connections == 1
    assert simulated.connected


async def test_details_that_the_user_has_enabled_stay(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    entity_registry.async_update_entity(STOP_REASON, disabled_by=None)
    await choose(hass, entry, details=False)
    assert state_of(hass, STOP_REASON) == "unknown"

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, STOP_REASON) == "unknown"
    assert entity_registry.async_get("sensor.left_transaction") is None


async def test_details_that_a_charger_reports_later_are_left_out_as_well(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"), options={"details": False})
    await set_up(hass, entry)
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_current_l1") == "0.0")

    assert not [
        entity_id for entity_id in entities_of(entity_registry, entry) if "voltage" in entity_id
    ]


async def test_chargers_have_only_the_kinds_that_are_chosen_until_all_are(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"), charger("CP-2", name="Right"))
    await set_up(hass, entry)
    simulated = await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")
    before = entities_of(entity_registry, entry)

    await choose(hass, entry, charger_entities=["sensor.status", "sensor.booked"])

    chosen = entities_of(entity_registry, entry)
    assert {
        entity_id for entity_id in chosen if not entity_id.split(".")[1].startswith("home")
    } == {
        "sensor.left_booked",
        "sensor.left_status",
        "sensor.right_booked",
        "sensor.right_status",
    }
    assert {"sensor.home_allocated", "sensor.home_booked_l1"} <= chosen.keys()
    assert state_of(hass, "sensor.left_status") == "available"
    assert hass.states.get("sensor.left_power") is None

    await choose(hass, entry)

    assert entities_of(entity_registry, entry).keys() == before.keys()
    assert state_of(hass, "sensor.left_status") == "available"
    assert simulated.connections == 1
    assert simulated.connected


async def test_a_kind_that_is_chosen_is_there_even_if_it_is_a_detail(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry
) -> None:
    options = {"details": False, "charger_entities": ["sensor.stop_reason"]}
    await set_up(hass, site_entry(port, charger("CP-1"), options=options))

    assert entity_registry.async_get(STOP_REASON) is not None


@pytest.mark.usefixtures("all_entities_enabled")
async def test_everything_that_a_charger_can_have_can_be_chosen(
    hass: HomeAssistant, port: int, entity_registry: er.EntityRegistry
) -> None:
    upstream = {"url": "ws://127.0.0.1:1", "unknown_tags_offline": "refuse"}
    entry = site_entry(port, charger("CP-1", upstream=upstream))
    await set_up(hass, entry)

    found = {
        f"{one.domain}.{one.unique_id.removeprefix('home_charger_CP-1_').removeprefix('1_')}"
        for one in entities_of(entity_registry, entry).values()
        if one.config_subentry_id == "subentry-CP-1"
    }

    reported = {f"sensor.{one.key}" for one in (*TOLD_SENSORS, *REPORTED_SENSORS)}
    assert found | reported == CHARGER_ENTITIES.keys()


async def test_kinds_go_by_the_names_of_their_entities(hass: HomeAssistant) -> None:
    names = await async_charger_entity_names(hass)

    assert names["sensor.limit_commanded"] == "Limit"
    assert list(names.values()) == sorted(names.values(), key=str.casefold)
