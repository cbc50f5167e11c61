"""Groups and chargers of ocpp-balanz are shown first, and then made."""

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.entry_settings import read_entry
from tests.ha.build import charger, group, set_up, site_entry

EVENING = "00:00-16:59>0=48;17:00-23:59>0=16:5=48"
GROUPS = f"group_id,description,max_allocation\nGarage,,{EVENING}\nDefault,,\n"
CHARGERS = """charger_id,alias,group_id,conn_max,priority,auth_sha
CP-1,Left,Garage,16,5,0a
CP-2,Right,Default,,,
"""
FILES = {"groups": GROUPS, "chargers": CHARGERS, "rating_a": 32, "phases": "3"}


async def opened(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    return await answer(hass, menu, {"next_step_id": "ocpp_balanz"})


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    result = await hass.config_entries.options.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


async def test_what_is_made_is_shown_before(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)

    form = await answer(hass, await opened(hass, entry), FILES)

    assert form["step_id"] == "ocpp_balanz_confirm"
    assert form["description_placeholders"] == {
        "groups": f"- **Garage**: 48 A, `{EVENING}`",
        "chargers": "- **Left** (`CP-1`): Garage, 16 A\n- **Right** (`CP-2`): Home, 32 A",
        "left_out": "- Default",
    }
    assert not entry.subentries


async def test_groups_and_chargers_are_made_with_their_schedules(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)

    form = await answer(hass, await opened(hass, entry), FILES)
    result = await answer(hass, form, {})

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "imported"
    settings = read_entry(entry).site
    garage = next(group for group in settings.groups if group.name == "Garage")
    assert (garage.rating_a, garage.parent_id, garage.other_loads_a) == (48, "root", 0)
    assert len(settings.schedules[garage.id].bands) == 2
    left, right = settings.chargers
    assert (left.identity, left.name, left.group_id) == ("CP-1", "Left", garage.id)
    assert (left.rating_a, left.maximum_a, left.priority) == (32, 16, 5)
    assert (right.group_id, right.maximum_a, right.priority) == ("root", 32, 1)
    assert hass.states.get("sensor.left_status") is not None


async def test_an_imported_charger_connects_as_it_is(
    hass: HomeAssistant, port: int, dial_in: Any
) -> None:
    """Its password, if it has one, is known to nobody; it is held to its address instead."""
    entry = site_entry(port)
    await set_up(hass, entry)
    await answer(hass, await answer(hass, await opened(hass, entry), FILES), {})

    charger = await dial_in("CP-1")

    await charger.wait_until(lambda: charger.connected)
    await hass.async_block_till_done()


async def test_more_than_its_hardware_was_said_to_carry_raises_the_rating(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await answer(hass, await opened(hass, entry), {**FILES, "rating_a": 10})
    await answer(hass, form, {})

    assert [one.rating_a for one in read_entry(entry).site.chargers] == [16, 10]


async def test_what_is_there_already_stays_as_it_is(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, group("g1", name="GARAGE"), charger("CP-1", name="Mine"))
    await set_up(hass, entry)

    form = await answer(hass, await opened(hass, entry), FILES)
    assert form["description_placeholders"]["left_out"] == "- Garage\n- Default\n- CP-1"
    await answer(hass, form, {})

    assert [subentry.title for subentry in entry.subentries.values()] == ["GARAGE", "Mine", "Right"]


async def test_a_charger_that_was_added_meanwhile_is_not_added_twice(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    first = await answer(hass, await opened(hass, entry), FILES)
    only_one = {**FILES, "groups": "", "chargers": "charger_id,group_id\nCP-1,\n"}
    second = await answer(hass, await opened(hass, entry), only_one)
    await answer(hass, second, {})

    await answer(hass, first, {})

    identities = [one.identity for one in read_entry(entry).site.chargers]
    assert sorted(identities) == ["CP-1", "CP-2"]


@pytest.mark.parametrize(
    ("wrong", "errors", "told"),
    [
        ({"groups": "", "chargers": ""}, {"chargers": "import_nothing"}, ""),
        (
            {"groups": "group_id,max_allocation\nGarage,63\n"},
            {"groups": "import_groups_wrong"},
            "2: max_allocation means nothing from its character 1 on: 63",
        ),
        (
            {"chargers": "charger_id,group_id\nCP-1,Nowhere\n"},
            {"chargers": "import_chargers_wrong"},
            "2: there is no group Nowhere, neither in groups.csv nor here",
        ),
        (
            {"chargers": "charger_id,group_id\nCP-1,\nCP-1,\n"},
            {"chargers": "import_chargers_wrong"},
            "3: CP-1 is there twice",
        ),
    ],
)
async def test_a_wrong_file_is_explained_and_nothing_is_made(
    hass: HomeAssistant, port: int, wrong: dict[str, Any], errors: dict[str, str], told: str
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)

    form = await answer(hass, await opened(hass, entry), {**FILES, **wrong})

    assert form["errors"] == errors
    assert told in form["description_placeholders"].values()
    assert not entry.subentries
    assert (await answer(hass, form, FILES))["step_id"] == "ocpp_balanz_confirm"


async def test_what_is_wrong_is_told_in_the_language_of_home_assistant(
    hass: HomeAssistant, port: int
) -> None:
    hass.config.language = "de"
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await opened(hass, entry)
    form = await answer(hass, form, {**FILES, "groups": "group_id,max_allocation\nA,\na,\n"})

    assert form["description_placeholders"]["groups_wrong"] == "3: a kommt zweimal vor"


async def test_a_site_of_one_phase_takes_chargers_of_one(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, phases="1")
    await set_up(hass, entry)
    form = await answer(hass, await opened(hass, entry), FILES)
    assert form["errors"] == {"phases": "more_phases_than_site"}

    form = await answer(hass, form, {**FILES, "phases": "1"})
    await answer(hass, form, {})

    assert {one.phase_map for one in read_entry(entry).site.chargers} == {"l1"}
