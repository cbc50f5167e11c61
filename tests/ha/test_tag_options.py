"""Tags in the options of a site, as whoever clicks through them sees it."""

import os
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.csms.authorization import UnknownTags
from custom_components.balanz.entry_settings import read_entry
from custom_components.balanz.storage.tags import Tag, TagStatus
from tests.ha.build import charger, set_up, site_entry

ANNE = Tag(id="04A1B2C3", name="Anne", priority=5)


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await entry.runtime_data.site.tags.put(ANNE)
    return entry


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    return await hass.config_entries.options.async_configure(form["flow_id"], user_input)


async def choose(hass: HomeAssistant, menu: Any, *steps: str) -> Any:
    for step in steps:
        menu = await answer(hass, menu, {"next_step_id": step})
    return menu


async def opened(hass: HomeAssistant, entry: MockConfigEntry, *steps: str) -> Any:
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    return await choose(hass, menu, "tags", *steps)


def tags(entry: MockConfigEntry) -> set[Tag]:
    return set(entry.runtime_data.site.tags.known)


async def test_a_tag_is_added_and_the_next_one_can_follow(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    form = await opened(hass, entry, "add_tag")
    menu = await answer(
        hass,
        form,
        {
            "id": " B0B ",
            "name": "Bob",
            "person": "person.bob",
            "status": "blocked",
            "expires": "2027-01-01 00:00:00",
            "parent": "FAM",
            "priority": 3,
            "sessions": 1,
            "valid_in": ["charger:CP-1"],
        },
    )

    assert menu["type"] is FlowResultType.MENU
    assert menu["description_placeholders"] == {"count": "2"}
    (bob,) = tags(entry) - {ANNE}
    assert (bob.id, bob.name, bob.person, bob.status) == (
        "B0B",
        "Bob",
        "person.bob",
        TagStatus.BLOCKED,
    )
    assert (bob.parent, bob.priority, bob.sessions) == ("FAM", 3, 1)
    assert bob.places == {"charger:CP-1"}
    assert bob.expires_at is not None
    assert bob.expires_at.isoformat() == "2027-01-01T00:00:00+01:00"


async def test_a_tag_starts_with_what_is_known_and_can_lose_it(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    form = await opened(hass, entry, "edit_tag")
    form = await answer(hass, form, {"tag": "04a1b2c3"})
    assert form["description_placeholders"]["id"] == "04A1B2C3"
    suggested = {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description
    }
    assert suggested == {"name": "Anne", "status": "accepted", "priority": 5}

    await answer(hass, form, {"status": "accepted", "name": "Änne"})

    assert tags(entry) == {Tag(id="04A1B2C3", name="Änne")}


async def test_a_place_that_is_gone_is_kept_until_the_user_takes_it_away(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    gone = Tag(id="A", places=frozenset({"group:gone"}))
    await entry.runtime_data.site.tags.put(gone)
    form = await opened(hass, entry, "edit_tag")
    form = await answer(hass, form, {"tag": "a"})

    await answer(hass, form, {"status": "accepted", "valid_in": ["group:gone"]})

    assert gone in tags(entry)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"id": "Ünïcode"}, {"id": "tag_id_invalid"}),
        ({"id": "x" * 10_000}, {"id": "tag_id_invalid"}),
        ({"id": "BALANZ"}, {"id": "tag_id_reserved"}),
        ({"id": "04a1b2c3"}, {"id": "tag_twice"}),
        ({"name": "x" * 101}, {"name": "tag_name_invalid"}),
        ({"parent": "new"}, {"parent": "tag_parent_invalid"}),
        ({"person": "person.Nobody!"}, None),
    ],
)
async def test_each_mistake_is_named_and_can_be_mended(
    hass: HomeAssistant, entry: MockConfigEntry, wrong: dict[str, Any], errors: dict[str, str]
) -> None:
    form = await opened(hass, entry, "add_tag")
    if errors is None:
        with pytest.raises(InvalidData):
            await answer(hass, form, {"id": "NEW", "status": "accepted", **wrong})
        return
    refused = await answer(hass, form, {"id": "NEW", "status": "accepted", **wrong})
    assert refused["errors"] == errors
    assert tags(entry) == {ANNE}

    menu = await answer(hass, refused, {"id": "NEW", "status": "accepted"})

    assert menu["type"] is FlowResultType.MENU
    assert tags(entry) == {ANNE, Tag(id="NEW")}


async def test_tags_are_removed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    form = await opened(hass, entry, "remove_tags")
    menu = await answer(hass, form, {"tag": ["04a1b2c3"]})

    assert tags(entry) == set()
    assert "edit_tag" not in menu["menu_options"]
    assert (await choose(hass, menu, "finish"))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("step", ["edit_tag", "remove_tags"])
async def test_a_tag_that_has_gone_meanwhile_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, step: str
) -> None:
    form = await opened(hass, entry, step)
    await entry.runtime_data.site.tags.remove(["04A1B2C3"])
    choice = "04a1b2c3" if step == "edit_tag" else ["04a1b2c3"]

    assert (await answer(hass, form, {"tag": choice}))["errors"] == {"tag": "tag_unknown"}


async def test_hundreds_of_tags_are_offered_by_name(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    many = [Tag(id=f"T{n}", name=f"Driver {n}") for n in range(500)]
    await entry.runtime_data.site.tags.put_all(many, replace=False)

    form = await opened(hass, entry, "edit_tag")

    options = form["data_schema"].schema["tag"].config["options"]
    assert len(options) == 501
    assert options[0] == {"value": "04a1b2c3", "label": "Anne (04A1B2C3)"}


async def test_the_rules_for_strangers_are_read_into_the_settings_of_the_site(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert read_entry(entry).site.unknown_tags is UnknownTags.AUTOMATIC
    form = await opened(hass, entry, "tag_rules")
    result = await answer(hass, form, {"unknown": "refuse", "answer_within_s": 20})
    await hass.async_block_till_done()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    settings = read_entry(entry).site
    assert (settings.unknown_tags, settings.answer_tags_within_s) == (UnknownTags.REFUSE, 20)
    assert entry.runtime_data.site.tags.desk.rules.unknown is UnknownTags.REFUSE

    menu = await hass.config_entries.options.async_init(entry.entry_id)
    general = await choose(hass, menu, "general")
    await answer(hass, general, {"advanced": {}})
    assert read_entry(entry).site.unknown_tags is UnknownTags.REFUSE


async def test_a_site_that_does_not_run_has_no_tags_to_change(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)

    result = await opened(hass, entry)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "site_not_running")


FILE_ID = "0123456789abcdef0123456789abcdef"


async def test_a_file_of_tags_is_imported(
    hass: HomeAssistant, entry: MockConfigEntry, uploads: Path
) -> None:
    (uploads / FILE_ID).write_text("id_tag,user_name\nB0B,Bob\n")
    form = await opened(hass, entry, "import_tags")
    menu = await answer(hass, form, {"file": FILE_ID, "replace": False})

    assert menu["type"] is FlowResultType.MENU
    assert tags(entry) == {ANNE, Tag(id="B0B", name="Bob")}


@pytest.mark.parametrize(
    ("content", "error", "lines"),
    [
        (b"id,status\nA,lost\n", "csv_rows_wrong", "2: The status has to be accepted or blocked"),
        (b"\xff\xfe", "csv_encoding", ""),
        (b"name\nAnne\n", "tag_file_no_id", ""),
        (None, "csv_unusable", ""),
    ],
)
async def test_a_file_that_cannot_be_imported_is_explained_and_nothing_changes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    uploads: Path,
    content: bytes | None,
    error: str,
    lines: str,
) -> None:
    if content is not None:
        (uploads / FILE_ID).write_bytes(content)
    form = await opened(hass, entry, "import_tags")
    refused = await answer(hass, form, {"file": FILE_ID, "replace": True})

    assert refused["errors"] == {"file": error}
    assert refused["description_placeholders"]["lines"].startswith(lines)
    assert tags(entry) == {ANNE}


async def test_more_tags_than_there_can_be_are_not_imported(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    uploads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.balanz.storage.tags.MAX_TAGS", 2)
    (uploads / FILE_ID).write_text("id\nA\nB\n")
    form = await opened(hass, entry, "import_tags")
    refused = await answer(hass, form, {"file": FILE_ID, "replace": False})

    assert refused["errors"] == {"file": "tag_too_many"}
    assert tags(entry) == {ANNE}


@pytest.mark.parametrize(
    ("step", "user_input"),
    [
        ("add_tag", {"id": "NEW", "status": "accepted"}),
        ("remove_tags", {"tag": ["04a1b2c3"]}),
        ("import_tags", {"file": FILE_ID, "replace": False}),
    ],
)
async def test_a_disk_that_takes_nothing_is_told(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    uploads: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    user_input: dict[str, Any],
) -> None:
    (uploads / FILE_ID).write_text("id\nA\n")
    form = await opened(hass, entry, step)

    def full(*_: object) -> int:
        raise OSError(28, "No space left")

    monkeypatch.setattr(os, "pwrite", full)

    assert (await answer(hass, form, user_input))["errors"] == {"base": "storage_failing"}
    assert tags(entry) == {ANNE}
