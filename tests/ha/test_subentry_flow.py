"""Groups and chargers are added and changed in the UI, while the site runs."""

from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.entry_settings import read_entry
from tests.ha.build import charger, charger_data, group, set_up, site_entry

NEW_CHARGER: dict[str, Any] = {
    "identity": "CP-1",
    "name": "Left",
    "group": "root",
    "rating_a": 32,
    "phases": "3",
    "phase_map": "unknown",
    "minimum_a": 6,
    "priority": 1,
    "connectors": 1,
    "security": "open",
    "advanced": {"fallback_a": 6, "keeps_limit": False},
}
BY_ITSELF = dict.fromkeys(("behaves_like", "limit_unit", "limit_form", "pause"), "auto")
UNASKED = {"lapses": False, "short_lease": False, "weight": 1, "free_charging": False}
"""What of the advanced settings is kept though nobody gave it."""


async def start(hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> Any:
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, kind), context={"source": SOURCE_USER}
    )


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    result = await hass.config_entries.subentries.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


async def without_sensors(hass: HomeAssistant, menu: Any) -> Any:
    assert menu["type"] is FlowResultType.MENU
    form = await answer(hass, menu, {"next_step_id": "supply_none"})
    return await answer(hass, form, {"other_loads_a": 0, "feeds_chargers_only": True})


def without(user_input: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in user_input.items() if key not in keys}


async def test_a_charger_added_by_hand_has_its_rating_as_maximum(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    result = await answer(hass, await start(hass, entry, "charger"), NEW_CHARGER)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    [subentry] = entry.subentries.values()
    assert subentry.title == "Left"
    assert subentry.unique_id == "charger:CP-1"
    assert subentry.data == {
        **without(NEW_CHARGER, "name"),
        "maximum_a": 32,
        "advanced": {**NEW_CHARGER["advanced"], **UNASKED, **BY_ITSELF},
    }
    assert hass.states.get("sensor.left_status") is not None


async def test_adding_a_charger_opens_pairing(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    entry.runtime_data.site.close_pairing()

    await start(hass, entry, "charger")

    assert entry.runtime_data.site.snapshot.pairing_until is not None


async def test_a_charger_can_be_added_while_the_site_is_not_loaded(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    entry.add_to_hass(hass)

    result = await answer(hass, await start(hass, entry, "charger"), NEW_CHARGER)

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("mistake", "errors"),
    [
        ({"identity": "a/b"}, {"identity": "identity_invalid"}),
        ({"name": "right "}, {"name": "name_taken"}),
        ({"identity": "TAKEN"}, {"identity": "identity_taken"}),
        ({"minimum_a": 40}, {"minimum_a": "above_rating"}),
        ({"maximum_a": 40}, {"maximum_a": "maximum_out_of_range"}),
        (
            {
                "minimum_a": 10,
                "maximum_a": 8,
                "advanced": {"fallback_a": 0, "keeps_limit": False},
            },
            {"maximum_a": "maximum_out_of_range"},
        ),
        (
            {"advanced": {"fallback_a": 3, "keeps_limit": False}},
            {"advanced": "fallback_out_of_range"},
        ),
        (
            {"advanced": {"fallback_a": 33, "keeps_limit": False}},
            {"advanced": "fallback_out_of_range"},
        ),
        (
            {"advanced": {"fallback_a": 6, "keeps_limit": False, "offline_key": "K" * 51}},
            {"advanced": "offline_key_invalid"},
        ),
        ({"phase_map": "l1"}, {"phase_map": "phase_map_mismatch"}),
        ({"phases": "1", "phase_map": "l1_l2_l3"}, {"phase_map": "phase_map_mismatch"}),
    ],
)
async def test_each_mistake_about_a_charger_is_named_and_can_be_mended(
    hass: HomeAssistant, port: int, mistake: dict[str, Any], errors: dict[str, str]
) -> None:
    entry = site_entry(port, charger("TAKEN", name="Right"))
    entry.add_to_hass(hass)
    form = await answer(hass, await start(hass, entry, "charger"), {**NEW_CHARGER, **mistake})
    assert form["errors"] == errors
    # A section hides its fields from whoever looks for the mistake, unless it is in there.
    hides: bool = form["data_schema"].schema["advanced"].options["collapsed"]
    assert hides is ("advanced" not in errors)

    result = await answer(hass, form, NEW_CHARGER)

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("mistake", "errors"),
    [
        ({"phases": "3"}, {"phases": "more_phases_than_site"}),
        ({"phase_map": "l2"}, {"phase_map": "phase_map_mismatch"}),
    ],
)
async def test_a_charger_at_a_site_of_one_phase_is_wired_to_that_phase(
    hass: HomeAssistant, port: int, mistake: dict[str, Any], errors: dict[str, str]
) -> None:
    entry = site_entry(port, phases="1")
    entry.add_to_hass(hass)
    single = {**NEW_CHARGER, "phases": "1", "phase_map": "l1"}
    form = await answer(hass, await start(hass, entry, "charger"), {**single, **mistake})
    assert form["errors"] == errors

    result = await answer(hass, form, single)

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_charger_is_changed_but_for_its_identity(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    form = await entry.start_subentry_reconfigure_flow(hass, "subentry-CP-1")
    assert form["description_placeholders"] == {"identity": "CP-1"}
    changes = without(NEW_CHARGER, "identity")
    form = await answer(hass, form, {**changes, "maximum_a": 40})
    assert form["errors"] == {"maximum_a": "maximum_out_of_range"}

    result = await answer(hass, form, {**changes, "name": "Right"})

    assert result["reason"] == "reconfigure_successful"
    assert result.get("translation_domain") is None
    subentry = entry.subentries["subentry-CP-1"]
    assert subentry.title == "Right"
    assert subentry.data == charger_data(
        "CP-1",
        rating_a=32,
        maximum_a=32,
        phase_map="unknown",
        minimum_a=6,
        security="open",
        advanced={**NEW_CHARGER["advanced"], **UNASKED, **BY_ITSELF},
    )


async def test_a_group_gets_an_id_that_outlives_its_name(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    menu = await answer(
        hass,
        await start(hass, entry, "group"),
        {"name": "Garage", "parent": "root", "rating_a": 20},
    )
    result = await without_sensors(hass, menu)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    [subentry] = entry.subentries.values()
    assert subentry.title == "Garage"
    assert subentry.unique_id is not None
    assert subentry.unique_id.removeprefix("group:").isalnum()
    assert subentry.data["rating_a"] == 20
    assert hass.states.get("number.garage_capacity") is not None


async def test_a_group_is_changed_and_keeps_its_supply(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, group("garage"))
    await set_up(hass, entry)
    menu = await answer(
        hass,
        await entry.start_subentry_reconfigure_flow(hass, "subentry-garage"),
        {"name": "Barn", "parent": "root", "rating_a": 16},
    )
    result = await answer(hass, menu, {"next_step_id": "supply_keep"})

    assert result["reason"] == "reconfigure_successful"
    assert result.get("translation_domain") is None
    assert entry.subentries["subentry-garage"].title == "Barn"
    assert entry.subentries["subentry-garage"].data["rating_a"] == 16


async def test_a_group_cannot_be_put_into_itself_or_below(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(
        port,
        group("garage"),
        group("corner", name="Corner", parent="garage"),
        group("barn", name="Barn"),
    )
    await set_up(hass, entry)
    form = await entry.start_subentry_reconfigure_flow(hass, "subentry-garage")

    schema = form["data_schema"]
    assert schema is not None
    parents = schema.schema["parent"].config["options"]
    assert [option["label"] for option in parents] == ["Home", "Barn"]


async def test_what_hung_in_a_removed_group_hangs_in_the_site(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("corner", parent="gone"), charger("CP-1", group="gone"))
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    assert [found.parent_id for found in settings.site.groups] == [None, "root"]
    assert [found.group_id for found in settings.site.chargers] == ["root"]
    assert settings.rehomed == {"group:corner": "Garage", "charger:CP-1": "Left"}


async def test_groups_that_feed_each_other_are_fed_by_the_site(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("a", name="A", parent="b"), group("b", name="B", parent="a"))
    entry.add_to_hass(hass)
    settings = read_entry(entry)

    assert {found.id: found.parent_id for found in settings.site.groups} == {
        "root": None,
        "a": "b",
        "b": "root",
    }
    assert settings.rehomed == {"group:b": "B"}
