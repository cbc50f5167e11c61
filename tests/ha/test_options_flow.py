"""The options of a site are changed in the UI, and are applied while it runs."""

from datetime import date
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.balancing.tuning import Tuning
from custom_components.balanz.entity_choice import EntityChoice
from custom_components.balanz.entry_settings import read_entry
from tests.ha.build import set_up, site_entry

DEFAULTS = {"turn_min": 30, "short_turn_min": 4, "raise_spacing_s": 20, "writes_per_day": 300}


async def general(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Open the options, and choose those that are not about tags."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    return await hass.config_entries.options.async_configure(
        menu["flow_id"], {"next_step_id": "general"}
    )


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    result = await hass.config_entries.options.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


async def test_options_are_read_into_the_settings_of_the_site(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await general(hass, entry)
    result = await answer(
        hass,
        form,
        {
            "unbalance_a": 20,
            "holidays": "2026-12-25, 2026-12-26\n2027-01-01",
            "details": False,
            "charger_entities": ["sensor.status", "switch.paused"],
            "advanced": {
                "turn_min": 45,
                "short_turn_min": 10,
                "raise_spacing_s": 60,
                "writes_per_day": 100,
                "sockets_per_address": 12,
            },
        },
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    settings = read_entry(entry).site
    assert settings.unbalance_a == 20
    assert settings.holidays == {date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)}
    assert settings.tuning == Tuning(
        turn_s=2700, short_turn_s=600, raise_spacing_s=60, writes_per_day=100
    )
    assert settings.sockets_per_address == 12
    assert entry.runtime_data._settings.site == settings
    assert read_entry(entry).entities == EntityChoice(
        details=False, kinds=frozenset({"sensor.status", "switch.paused"})
    )


async def test_options_that_nobody_changes_are_those_of_a_site_without_any(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    before = read_entry(entry).site
    form = await general(hass, entry)
    await answer(hass, form, {"advanced": {}})

    assert entry.options == {"details": True, "advanced": DEFAULTS}
    assert read_entry(entry).site == before


@pytest.mark.parametrize(
    ("mistake", "errors", "wrong"),
    [
        ({"holidays": "2026-12-25 26.12.2026"}, {"holidays": "not_a_date"}, "26.12.2026"),
        ({"holidays": "20261225; 2026-02-30"}, {"holidays": "not_a_date"}, "20261225, 2026-02-30"),
        (
            {"advanced": {**DEFAULTS, "turn_min": 5, "short_turn_min": 6}},
            {"advanced": "short_turn_too_long"},
            "",
        ),
    ],
)
async def test_each_mistake_is_named_and_can_be_mended(
    hass: HomeAssistant, port: int, mistake: dict[str, Any], errors: dict[str, str], wrong: str
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await general(hass, entry)
    refused = await answer(hass, form, {"advanced": DEFAULTS, **mistake})
    assert refused["errors"] == errors
    assert refused["description_placeholders"] == {"wrong": wrong}

    result = await answer(hass, refused, {"advanced": DEFAULTS})

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("value", ["nan", "inf", 0, 5, 5000])
async def test_an_unbalance_bound_that_cannot_be_is_refused(
    hass: HomeAssistant, port: int, value: Any
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await general(hass, entry)
    with pytest.raises(InvalidData):
        await answer(hass, form, {"unbalance_a": value, "advanced": DEFAULTS})

    assert entry.options == {}
