"""States are written at once; measurements, which come all the time, only now and then."""

import gc
from dataclasses import replace
from datetime import timedelta

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.balanz import coordinator as module
from custom_components.balanz.coordinator import MEASUREMENT_INTERVAL_S
from tests.ha.build import CURRENT_SENSORS, charger, set_up, site_entry, state_of, wait_until


def meter(hass: HomeAssistant, current_a: float) -> None:
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.grid_{line}", str(current_a), {"unit_of_measurement": "A"})


async def measured(hass: HomeAssistant, entry: MockConfigEntry, current_a: float) -> None:
    """Let the site, though not yet its entities, know of a reading."""
    meter(hass, current_a)
    await wait_until(
        lambda: (
            (found := entry.runtime_data.snapshot.groups["root"].measured) is not None
            and found.l1 == current_a
        )
    )


async def interval_over(hass: HomeAssistant) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=MEASUREMENT_INTERVAL_S + 1))
    await hass.async_block_till_done()


async def test_measurements_are_written_at_most_once_per_interval(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    await interval_over(hass)
    await interval_over(hass)
    await measured(hass, entry, 4.0)
    await measured(hass, entry, 5.0)
    await measured(hass, entry, 6.0)
    assert state_of(hass, "sensor.home_measured") == "4.0"

    await interval_over(hass)

    assert state_of(hass, "sensor.home_measured") == "6.0"


async def test_a_site_without_news_plans_no_tick(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    await interval_over(hass)
    await interval_over(hass)

    assert entry.runtime_data._cancel_tick is None


async def test_a_change_that_says_nothing_new_is_not_applied(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    before = entry.runtime_data._settings
    hass.config_entries.async_update_entry(entry, options={"seen": True})
    await hass.async_block_till_done()

    assert entry.runtime_data._settings is before


async def test_a_state_is_written_at_once(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await entry.runtime_data.site.set_capacity("root", 20.5)

    assert state_of(hass, "number.home_capacity") == "20.5"


async def test_a_snapshot_that_knows_less_makes_entities_unavailable(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    coordinator = entry.runtime_data
    bare = replace(coordinator.snapshot, chargers={}, groups={})
    entities = [entity for tracked in coordinator._entities.values() for entity in tracked]
    coordinator.snapshot = bare
    for entity in entities:
        entity._snapshot_changed()

    assert state_of(hass, "sensor.left_reason") == "unavailable"
    assert state_of(hass, "number.left_maximum_current") == "unavailable"
    assert state_of(hass, "switch.left_charging_allowed") == "unavailable"
    assert state_of(hass, "number.home_capacity") == "unknown"


async def test_what_is_new_at_many_devices_is_written_in_portions(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = site_entry(port, charger("CP-1"), charger("CP-2"), charger("CP-3"))
    await set_up(hass, entry)
    await interval_over(hass)
    monkeypatch.setattr(module, "WRITING_S", 0.0)
    told: list[str] = []
    for identity in ("CP-1", "CP-2", "CP-3"):
        entry.runtime_data.subscribe(
            f"charger:{identity}", lambda name=identity: told.append(name), measurement=False
        )
    site = entry.runtime_data.site
    changed = {
        identity: replace(snapshot, name="changed")
        for identity, snapshot in site.snapshot.chargers.items()
    }
    site._feed.publish(replace(site.snapshot, chargers=changed))
    assert told == ["CP-1"]

    await interval_over(hass)
    await interval_over(hass)

    assert told == ["CP-1", "CP-2", "CP-3"]


async def test_entities_of_many_devices_are_added_in_portions(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 1)

    await set_up(hass, site_entry(port, charger("CP-1"), charger("CP-2"), charger("CP-3")))

    reasons = [entity_id for entity_id in hass.states.async_entity_ids() if "reason" in entity_id]
    assert len(reasons) == 3


@pytest.mark.parametrize(("large_site", "is_relieved"), [(1, True), (2, False)])
async def test_the_garbage_collector_passes_over_a_large_site_while_it_runs(
    hass: HomeAssistant,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    large_site: int,
    is_relieved: bool,
) -> None:
    called: list[str] = []
    monkeypatch.setattr(module, "LARGE_SITE", large_site)
    monkeypatch.setattr(gc, "freeze", lambda: called.append("freeze"))
    monkeypatch.setattr(gc, "unfreeze", lambda: called.append("unfreeze"))
    entry = site_entry(port, charger("CP-1"))

    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)

    assert called == (["freeze", "unfreeze"] if is_relieved else [])
