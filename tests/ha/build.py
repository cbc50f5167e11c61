"""Config entries as the flows make them, for tests that start with one."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryData,
    ConfigSubentryDataWithId,
)
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.const import DOMAIN, SUBENTRY_CHARGER, SUBENTRY_GROUP

SIGNED = {"margin_a": 1.0, "max_age_s": 60, "lost_after_s": 900}
NO_SENSORS: Mapping[str, Any] = {
    "kind": "none",
    "other_loads_a": 5.0,
    "feeds_chargers_only": False,
}
CURRENT_SENSORS: Mapping[str, Any] = {
    "kind": "current",
    "sensors": {"l1": "sensor.grid_l1", "l2": "sensor.grid_l2", "l3": "sensor.grid_l3"},
    "direction": "import_positive",
    "advanced": SIGNED,
}


def site_data(
    port: int,
    *,
    supply: Mapping[str, Any] = NO_SENSORS,
    phases: str = "3",
    rating_a: float = 32.0,
    **more: Any,
) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "rating_a": rating_a,
        "phases": phases,
        "supply": supply,
        **more,
    }


def site_entry(
    port: int,
    *subentries: ConfigSubentryData,
    title: str = "Home",
    options: Mapping[str, Any] | None = None,
    **site: Any,
) -> MockConfigEntry:
    return MockConfigEntry(
        domain=DOMAIN,
        title=title,
        data=site_data(port, **site),
        options=options or {},
        entry_id="home",
        subentries_data=subentries,
    )


def charger_data(identity: str, **changes: Any) -> dict[str, Any]:
    return {
        "identity": identity,
        "group": "root",
        "rating_a": 16.0,
        "phases": "3",
        "phase_map": "l1_l2_l3",
        "maximum_a": 16.0,
        "minimum_a": 6.0,
        "priority": 1,
        "connectors": 1,
        "advanced": {"fallback_a": 6.0, "keeps_limit": False},
        **changes,
    }


def charger(identity: str, *, name: str = "Left", **changes: Any) -> ConfigSubentryDataWithId:
    return ConfigSubentryDataWithId(
        data=charger_data(identity, **changes),
        subentry_id=f"subentry-{identity}",
        subentry_type=SUBENTRY_CHARGER,
        title=name,
        unique_id=f"charger:{identity}",
    )


def group(
    group_id: str,
    *,
    name: str = "Garage",
    parent: str = "root",
    rating_a: float = 20.0,
    supply: Mapping[str, Any] = NO_SENSORS,
    **more: Any,
) -> ConfigSubentryDataWithId:
    return ConfigSubentryDataWithId(
        data={"parent": parent, "rating_a": rating_a, "supply": supply, **more},
        subentry_id=f"subentry-{group_id}",
        subentry_type=SUBENTRY_GROUP,
        title=name,
        unique_id=f"group:{group_id}",
    )


def as_subentry(data: ConfigSubentryData) -> ConfigSubentry:
    return ConfigSubentry(
        data=MappingProxyType(dict(data["data"])),
        subentry_type=data["subentry_type"],
        title=data["title"],
        unique_id=data["unique_id"],
    )


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def wait_until(predicate: Callable[[], bool], *, deadline_s: float = 10.0) -> None:
    """Wait for something that happens over a real socket."""
    end = monotonic() + deadline_s
    while not predicate():
        assert monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.01)


def state_of(hass: HomeAssistant, entity_id: str) -> str | None:
    state = hass.states.get(entity_id)
    return None if state is None else state.state
