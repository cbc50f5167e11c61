"""Tags by action: what an automation or a script can do, and what it is told if it cannot."""

import os
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.devices import device_id
from custom_components.balanz.storage.tag_csv import MAX_BYTES
from custom_components.balanz.storage.tags import Tag, TagStatus
from simulator.car import Car
from tests.ha.build import charger, group, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

ANNE = Tag(id="04A1B2C3", name="Anne", person="person.anne", priority=5)


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    """A running site with a charger in a group, and Anne's tag."""
    entry = site_entry(port, group("garage"), charger("CP-1", group="garage"))
    await set_up(hass, entry)
    await entry.runtime_data.site.tags.put(ANNE)
    return entry


async def act(hass: HomeAssistant, action: str, *, answers: bool = False, **data: Any) -> Any:
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=answers
    )


def tags(entry: MockConfigEntry) -> set[Tag]:
    return set(entry.runtime_data.site.tags.known)


async def test_a_tag_is_added_with_all_that_is_told(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    await act(
        hass,
        "set_tag",
        id=" B0B ",
        name="Bob",
        person="person.bob",
        status="blocked",
        expires="2027-01-01T00:00:00+01:00",
        parent="FAM",
        priority=10,
        sessions=2,
        valid_in=[
            device_id(hass, "home", "home_garage"),
            device_id(hass, "home", "home_charger_CP-1"),
        ],
    )

    listed = await act(hass, "list_tags", answers=True)
    assert listed["asked"] == []
    assert [one["id"] for one in listed["tags"]] == ["04A1B2C3", "B0B"]
    assert listed["tags"][1] == {
        "id": "B0B",
        "name": "Bob",
        "person": "person.bob",
        "status": "blocked",
        "expires": "2027-01-01T00:00:00+01:00",
        "parent": "FAM",
        "priority": 10,
        "sessions": 2,
        "valid_in": [
            device_id(hass, "home", "home_charger_CP-1"),
            device_id(hass, "home", "home_garage"),
        ],
    }


async def test_what_is_not_told_stays_as_it_is(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await act(hass, "set_tag", id="04a1b2c3", status="blocked")
    (known,) = tags(entry)
    assert (known.name, known.person, known.priority) == ("Anne", "person.anne", 5)
    assert known.status is TagStatus.BLOCKED

    nothing: dict[str, Any] = {
        "name": None,
        "person": None,
        "priority": None,
        "expires": None,
        "valid_in": None,
    }
    await act(hass, "set_tag", id="04a1b2c3", status="accepted", **nothing)
    assert tags(entry) == {Tag(id="04a1b2c3")}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"id": ""}, "An id has 1 to 36"),
        ({"id": "x" * 10_000}, "An id has 1 to 36"),
        ({"id": "Ünïcode"}, "An id has 1 to 36"),
        ({"id": "balanz"}, "balanz itself uses this id"),
        ({"name": "x" * 10_000}, "at most 100 characters"),
        ({"name": "a\x00b"}, "all of them printable"),
        ({"person": "light.kitchen"}, "Not a person: light.kitchen"),
        ({"parent": "new"}, "not that of the tag itself"),
        ({"priority": 11}, "from 0 to 10: 11"),
        ({"sessions": -1}, "from 1 to 1000: -1"),
        ({"valid_in": ["no such device"]}, "Neither a group nor a charger"),
        ({"config_entry_id": "no such site"}, "There is no such site"),
    ],
)
async def test_a_tag_that_cannot_be_is_explained_and_nothing_changes(
    hass: HomeAssistant, entry: MockConfigEntry, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceValidationError, match=message) as error:
        await act(hass, "set_tag", **{"id": "NEW", **wrong})

    assert len(str(error.value)) < 300
    assert tags(entry) == {ANNE}


@pytest.mark.parametrize(
    "wrong",
    [{"status": "lost"}, {"expires": "soon"}, {"priority": "high"}, {"id": None}, {"other": 1}],
)
async def test_what_has_the_wrong_type_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, wrong: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid):
        await act(hass, "set_tag", **{"id": "NEW", **wrong})

    assert tags(entry) == {ANNE}


async def test_tags_are_removed_together_or_not_at_all(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match="This tag is not set up: nobody"):
        await act(hass, "remove_tag", id=["04A1B2C3", "nobody"])
    assert tags(entry) == {ANNE}

    await act(hass, "remove_tag", id="04a1b2c3")
    assert tags(entry) == set()


async def test_a_disk_that_takes_nothing_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left")

    monkeypatch.setattr(os, "pwrite", full)

    with pytest.raises(HomeAssistantError, match="cannot be recorded"):
        await act(hass, "set_tag", id="NEW")
    assert tags(entry) == {ANNE}


async def test_what_is_exported_can_be_imported(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await act(hass, "set_tag", id="EVIL", name="=cmd()")
    exported = await act(hass, "export_tags", answers=True)
    assert "EVIL,'=cmd()," in exported["csv"]
    await act(hass, "remove_tag", id=["EVIL", "04A1B2C3"])

    answer = await act(hass, "import_tags", csv=exported["csv"], answers=True)

    assert answer == {"imported": 2, "total": 2}
    assert tags(entry) == {ANNE, Tag(id="EVIL", name="=cmd()")}


async def test_an_import_may_replace_all_tags(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    answer = await act(hass, "import_tags", csv="id\nB0B\n", replace=True, answers=True)

    assert answer == {"imported": 1, "total": 1}
    assert tags(entry) == {Tag(id="B0B")}


async def test_an_import_with_wrong_lines_names_them_and_imports_nothing(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    csv = "id,status,priority,valid_in\nB0B,,,\nC,lost,,\nD,,99,\nE,,,charger:gone\n"
    with pytest.raises(ServiceValidationError) as error:
        await act(hass, "import_tags", csv=csv)

    text = str(error.value)
    assert "3: The status has to be accepted or blocked: lost" in text
    assert "4: A priority is a whole number from 0 to 10: 99" in text
    assert "5: Neither a group nor a charger of this site: charger:gone" in text
    assert tags(entry) == {ANNE}


async def test_files_are_read_and_written_where_home_assistant_may(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    path = tmp_path / "tags.csv"
    with pytest.raises(ServiceValidationError, match="may not use this path"):
        await act(hass, "export_tags", path=str(path))
    hass.config.allowlist_external_dirs = {str(tmp_path)}

    await act(hass, "export_tags", path=str(path))
    assert "Anne" in path.read_text(encoding="utf-8")
    await act(hass, "remove_tag", id="04A1B2C3")
    await act(hass, "import_tags", path=str(path))
    assert tags(entry) == {ANNE}

    path.write_bytes("id;name\nA;Änne\n".encode("latin-1"))
    with pytest.raises(ServiceValidationError, match="not in UTF-8, or not text; see line 2"):
        await act(hass, "import_tags", path=str(path))
    path.write_bytes(b"x" * (2 * MAX_BYTES))
    with pytest.raises(ServiceValidationError, match="larger than 5 MB"):
        await act(hass, "import_tags", path=str(path))
    for missing in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ServiceValidationError, match="The file cannot be used"):
            await act(hass, "import_tags", path=str(missing))
    with pytest.raises(ServiceValidationError, match="The file cannot be used"):
        await act(hass, "export_tags", path=str(tmp_path))
    assert tags(entry) == {ANNE}


@pytest.mark.parametrize("path", ["/etc/passwd", "\0", "/a\0b/c", "../../secrets.yaml"])
async def test_no_other_file_is_touched(
    hass: HomeAssistant, entry: MockConfigEntry, path: str
) -> None:
    for action in ("import_tags", "export_tags"):
        with pytest.raises(ServiceValidationError, match="may not use this path"):
            await act(hass, action, path=path)


@pytest.mark.parametrize("data", [{}, {"csv": "id\nA\n", "path": "/config/tags.csv"}])
async def test_an_import_comes_from_one_place(
    hass: HomeAssistant, entry: MockConfigEntry, data: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid):
        await act(hass, "import_tags", **data)


async def asked(hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn) -> Any:
    """Have a stranger show a card, and return the charger once the user is asked."""
    simulated = await dial_in("CP-1", id_tag="STRANGER")
    simulated.plug_in(Car(name="car", start_lag_s=0.0))
    await wait_until(lambda: state_of(hass, "event.home_tag") not in (None, "unknown"))
    return simulated


async def test_the_user_is_asked_about_a_stranger_and_lets_the_car_charge(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn
) -> None:
    simulated = await asked(hass, entry, dial_in)
    event = hass.states.get("event.home_tag")
    assert event is not None
    assert {name: event.attributes[name] for name in ("event_type", "id", "name", "charger")} == {
        "event_type": "asked",
        "id": "STRANGER",
        "name": None,
        "charger": "Left",
    }
    assert (await act(hass, "list_tags", answers=True))["asked"] == ["STRANGER"]

    await act(hass, "answer_tag", id="stranger", allow=True, remember=True, name="Guest")

    await wait_until(lambda: simulated.station.connectors[1].transaction is not None)
    await wait_until(lambda: state_of(hass, "sensor.left_tag") == "Guest")
    assert tags(entry) == {ANNE, Tag(id="STRANGER", name="Guest")}
    event = hass.states.get("event.home_tag")
    assert event is not None
    assert event.attributes["event_type"] == "accepted"
    assert event.attributes["name"] == "Guest"


async def test_a_stranger_can_be_kept_out_for_good(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn
) -> None:
    simulated = await asked(hass, entry, dial_in)

    await act(hass, "answer_tag", id="STRANGER", allow=False, remember=True)

    assert Tag(id="STRANGER", status=TagStatus.BLOCKED) in tags(entry)
    await wait_until(lambda: simulated.station.connectors[1].done)
    assert simulated.station.connectors[1].transaction is None


async def test_an_answer_to_no_question_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match="Nobody asked about this tag"):
        await act(hass, "answer_tag", id="NEW", allow=True, remember=True)

    assert tags(entry) == {ANNE}


async def test_a_session_gets_a_priority_of_its_own(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn
) -> None:
    device = device_id(hass, "home", "home_charger_CP-1")
    with pytest.raises(ServiceValidationError, match="No session runs there"):
        await act(hass, "set_session_priority", device_id=device, priority=5)
    simulated = await dial_in("CP-1", id_tag="04A1B2C3")
    simulated.plug_in(Car(name="car", start_lag_s=0.0))

    def priority() -> int | None:
        found: int | None = entry.runtime_data.snapshot.chargers["CP-1"].connectors[0].priority
        return found

    await wait_until(lambda: priority() == 5)

    await act(hass, "set_session_priority", device_id=device, connector=1, priority=9)
    await wait_until(lambda: priority() == 9)
    await act(hass, "set_session_priority", device_id=device)
    await wait_until(lambda: priority() == 5)


@pytest.mark.parametrize(
    ("unique_id", "more"), [("home_root", {}), ("home_charger_CP-1", {"connector": 2})]
)
async def test_what_is_no_connector_has_no_session(
    hass: HomeAssistant, entry: MockConfigEntry, unique_id: str, more: dict[str, Any]
) -> None:
    device = device_id(hass, "home", unique_id)
    with pytest.raises(ServiceValidationError, match="of a running site"):
        await act(hass, "set_session_priority", device_id=device, priority=5, **more)


async def test_without_a_running_site_there_are_no_tags(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(entry.entry_id)

    for action in ("list_tags", "export_tags"):
        with pytest.raises(ServiceValidationError, match="not running"):
            await act(hass, action, answers=True)


async def test_of_several_sites_one_has_to_be_named(
    hass: HomeAssistant, entry: MockConfigEntry, unused_tcp_port: int
) -> None:
    other = site_entry(unused_tcp_port, title="Office")
    object.__setattr__(other, "entry_id", "office")
    await set_up(hass, other)
    with pytest.raises(ServiceValidationError, match="There are several sites"):
        await act(hass, "set_tag", id="NEW")

    await act(hass, "set_tag", id="NEW", config_entry_id="office")

    assert tags(entry) == {ANNE}
    assert tags(other) == {Tag(id="NEW")}


async def test_only_admins_see_and_change_tags(
    hass: HomeAssistant, entry: MockConfigEntry, hass_read_only_user: MockUser
) -> None:
    context = Context(user_id=hass_read_only_user.id)
    for action, data in (("set_tag", {"id": "NEW"}), ("remove_tag", {"id": "04A1B2C3"})):
        with pytest.raises(Unauthorized):
            await hass.services.async_call(DOMAIN, action, data, blocking=True, context=context)

    assert tags(entry) == {ANNE}
