"""How a group shares is asked in the form's advanced section; mistakes are named above it."""

from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.const import DOMAIN
from tests.ha.bad_schedules import BAD_SCHEDULES
from tests.ha.build import group, set_up, site_entry

EVENING = "Mo-Fr 17:00-20:59>0=16:5=32"
GARAGE: dict[str, Any] = {"name": "Garage", "parent": "root", "rating_a": 20}
DEFAULTS: dict[str, Any] = {"policy": "inherit", "surplus": "ignore", "power_factor": 0.9}
FULL: dict[str, Any] = {
    "policy": "all_in_use",
    "share_a": 8,
    "surplus": "minimum_plus",
    "power_limit_kw": 17.5,
    "power_factor": 0.95,
    "schedule": EVENING,
}


async def site_form(hass: HomeAssistant) -> Any:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def group_form(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "group"), context={"source": SOURCE_USER}
    )


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    flows = (
        hass.config_entries.flow if form["handler"] == DOMAIN else hass.config_entries.subentries
    )
    result = await flows.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


async def finish(hass: HomeAssistant, menu: Any) -> Any:
    assert menu["type"] is FlowResultType.MENU
    form = await answer(hass, menu, {"next_step_id": "supply_none"})
    return await answer(hass, form, {"other_loads_a": 0, "feeds_chargers_only": True})


def suggested(form: Any) -> dict[str, Any]:
    """Return what the fields of the advanced section start with."""
    fields = form["data_schema"].schema["advanced"].schema.schema
    return {str(key): key.description["suggested_value"] for key in fields if key.description}


def collapsed(form: Any) -> bool:
    answer: bool = form["data_schema"].schema["advanced"].options["collapsed"]
    return answer


async def test_a_group_is_added_with_all_that_can_be_said(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    menu = await answer(hass, await group_form(hass, entry), {**GARAGE, "advanced": FULL})
    result = await finish(hass, menu)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    [subentry] = entry.subentries.values()
    assert subentry.data["advanced"] == FULL


async def test_a_site_is_set_up_with_all_that_can_be_said(hass: HomeAssistant, port: int) -> None:
    user_input = {
        "name": "Home",
        "host": "127.0.0.1",
        "port": port,
        "rating_a": 32,
        "phases": "3",
        "advanced": FULL,
    }
    result = await finish(hass, await answer(hass, await site_form(hass), user_input))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["advanced"] == FULL


async def test_a_group_shares_as_the_group_above_it_if_nothing_else_is_said(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    await finish(hass, await answer(hass, await group_form(hass, entry), GARAGE))

    [subentry] = entry.subentries.values()
    assert subentry.data["advanced"] == DEFAULTS


@pytest.mark.parametrize("key", BAD_SCHEDULES)
async def test_the_wrong_words_of_a_schedule_are_named_and_can_be_mended(
    hass: HomeAssistant, port: int, key: str
) -> None:
    text, words = BAD_SCHEDULES[key]
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await group_form(hass, entry)
    assert collapsed(form)

    refused = await answer(hass, form, {**GARAGE, "advanced": {**DEFAULTS, "schedule": text}})

    assert refused["errors"] == {"advanced": f"schedule_{key}"}
    assert refused["description_placeholders"]["wrong"] == words
    assert not collapsed(refused)
    assert suggested(refused)["schedule"] == text
    mended = {**GARAGE, "advanced": {**DEFAULTS, "schedule": EVENING}}
    result = await finish(hass, await answer(hass, refused, mended))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_place_of_a_mistake_is_told_by_line_and_character(
    hass: HomeAssistant, port: int
) -> None:
    text = f"{EVENING}\nSa,So 08:00-19:59>0=24"
    entry = site_entry(port)
    await set_up(hass, entry)
    refused = await answer(
        hass,
        await group_form(hass, entry),
        {**GARAGE, "advanced": {**DEFAULTS, "schedule": text}},
    )

    placeholders = refused["description_placeholders"]
    assert (placeholders["wrong"], placeholders["line"], placeholders["column"]) == (
        "So",
        "2",
        "4",
    )


async def test_a_bad_schedule_of_the_site_is_named_with_all_else_that_is_wrong(
    hass: HomeAssistant, port: int
) -> None:
    refused = await answer(
        hass,
        await site_form(hass),
        {
            "name": "Home",
            "host": "192.0.2.1",
            "port": port,
            "rating_a": 32,
            "phases": "3",
            "advanced": {**FULL, "schedule": "08:00"},
        },
    )

    assert refused["errors"] == {"host": "cannot_listen", "advanced": "schedule_missing_arrow"}


@pytest.mark.parametrize(
    "mistake",
    [
        {"policy": "first"},
        {"share_a": -1},
        {"power_limit_kw": 0},
        {"power_limit_kw": "nan"},
        {"power_factor": 0.4},
        {"power_factor": 1.1},
        {"surplus": "all"},
    ],
)
async def test_what_a_field_cannot_hold_is_refused_there(
    hass: HomeAssistant, port: int, mistake: dict[str, Any]
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await group_form(hass, entry)
    with pytest.raises(InvalidData) as refused:
        await answer(hass, form, {**GARAGE, "advanced": {**DEFAULTS, **mistake}})

    assert refused.value.path is not None
    assert [str(name) for name in refused.value.path] == ["advanced", *mistake]


async def test_a_blank_schedule_is_none(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, group("garage", advanced=FULL))
    await set_up(hass, entry)
    menu = await answer(
        hass,
        await entry.start_subentry_reconfigure_flow(hass, "subentry-garage"),
        {**GARAGE, "advanced": {**DEFAULTS, "schedule": " \n"}},
    )
    await answer(hass, menu, {"next_step_id": "supply_keep"})

    assert entry.subentries["subentry-garage"].data["advanced"] == DEFAULTS


async def test_a_form_starts_with_what_was_said_before(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, group("garage", advanced=FULL))
    await set_up(hass, entry)
    form = await entry.start_subentry_reconfigure_flow(hass, "subentry-garage")

    assert suggested(form) == FULL


async def test_the_form_of_an_older_entry_starts_with_the_power_factor_that_it_has(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await entry.start_reconfigure_flow(hass)

    assert suggested(form) == {"power_factor": 1.0}
