"""Whatever is put into a form, it is refused at its field and nothing changes, or it makes sense.

Each field of each form is given what it must not have, one after the other.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_USER,
    ConfigFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, section
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import selector
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz import config_flow
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms.events import BootInfo
from custom_components.balanz.discovery import Discovery
from simulator.home_assistant import free_port
from tests.ha.build import charger, group, set_up, site_entry

EN = json.loads((Path(config_flow.__file__).parent / "translations/en.json").read_text())
LONG = "x" * 10_000
NUMBERS: tuple[Any, ...] = (
    "x",
    None,
    [],
    {},
    float("nan"),
    float("inf"),
    -1e308,
    1e308,
    10**400,
    "1e400",
)
CHOICES: tuple[Any, ...] = ("nonsense", None, 3, [], {}, LONG)
TEXTS: tuple[Any, ...] = (None, 5, [], {}, LONG, "\0")
ENTITIES: tuple[Any, ...] = (
    "no id",
    None,
    5,
    {},
    f"sensor.{LONG}",
    "sensor.counts_kwh",
    "sensor.says_words",
)

type Manager = Any
type Answer = Callable[[HomeAssistant, MockConfigEntry, int], Awaitable[tuple[Manager, Any]]]


@dataclass(frozen=True)
class Form:
    """A form, how it is reached, and an input that it takes."""

    reach: Answer
    texts: Mapping[str, Any]
    """The texts of its flow."""
    good: Mapping[str, Any]
    may_be: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """What of the above a field may have all the same."""


def is_in(value: Any, values: tuple[Any, ...]) -> bool:
    return any(value is one for one in values)


async def steps(manager: Manager, result: Any, *names: str) -> tuple[Manager, Any]:
    """Choose the lines of menus, one after the other."""
    for name in names:
        result = await manager.async_configure(result["flow_id"], {"next_step_id": name})
    return manager, result


def site(port: int) -> dict[str, Any]:
    return {
        "name": "Home",
        "host": "127.0.0.1",
        "port": port,
        "rating_a": 32,
        "phases": "3",
        "advanced": {"schedule": "00:00-05:59>0=16"},
        "security": {},
    }


async def new_site(hass: HomeAssistant, _: MockConfigEntry, port: int) -> tuple[Manager, Any]:
    manager = hass.config_entries.flow
    return manager, await manager.async_init(DOMAIN, context={"source": SOURCE_USER})


async def changed_site(hass: HomeAssistant, entry: MockConfigEntry, _: int) -> tuple[Manager, Any]:
    return hass.config_entries.flow, await entry.start_reconfigure_flow(hass)


def supply(kind: str) -> Answer:
    async def reach(hass: HomeAssistant, entry: MockConfigEntry, port: int) -> tuple[Manager, Any]:
        manager, form = await new_site(hass, entry, port)
        menu = await manager.async_configure(form["flow_id"], site(free_port()))
        return await steps(manager, menu, f"supply_{kind}")

    return reach


def new_subentry(kind: str) -> Answer:
    async def reach(hass: HomeAssistant, entry: MockConfigEntry, _: int) -> tuple[Manager, Any]:
        manager = hass.config_entries.subentries
        form = await manager.async_init((entry.entry_id, kind), context={"source": SOURCE_USER})
        return manager, form

    return reach


def changed_subentry(index: int) -> Answer:
    async def reach(hass: HomeAssistant, entry: MockConfigEntry, _: int) -> tuple[Manager, Any]:
        subentry = list(entry.subentries.values())[index]
        form = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
        return hass.config_entries.subentries, form

    return reach


async def discovered(hass: HomeAssistant, entry: MockConfigEntry, _: int) -> tuple[Manager, Any]:
    manager = hass.config_entries.flow
    met = Discovery(entry_id=entry.entry_id, identity="CP-9", boot=BootInfo(), address="127.0.0.1")
    context = ConfigFlowContext(source=SOURCE_INTEGRATION_DISCOVERY)
    return manager, await manager.async_init(DOMAIN, context=context, data=met)


def options(*names: str) -> Answer:
    async def reach(hass: HomeAssistant, entry: MockConfigEntry, _: int) -> tuple[Manager, Any]:
        manager = hass.config_entries.options
        return await steps(manager, await manager.async_init(entry.entry_id), *names)

    return reach


SENSORS: dict[str, Any] = {
    "l1": "sensor.l1",
    "l2": "sensor.l2",
    "l3": "sensor.l3",
    "direction": "import_positive",
}
METERED: dict[str, Any] = {
    "margin_a": 1,
    "max_age_s": 60,
    "lost_after_s": 900,
    "heartbeat": "sensor.l1",
}
CHARGER: dict[str, Any] = {
    "name": "New",
    "group": "root",
    "rating_a": 16,
    "phases": "3",
    "phase_map": "unknown",
    "maximum_a": 16,
    "minimum_a": 6,
    "priority": 1,
    "connectors": 1,
    "security": "open",
    "advanced": {"fallback_a": 6, "power_switch": "switch.contactor"},
}
# Names are not looked up in tests. Files of certificates are read only if they are used.
UNCHECKED: dict[str, tuple[Any, ...]] = {
    "host": (LONG,),
    **dict.fromkeys(("certificate", "key", "other_certificate", "other_key"), TEXTS),
}
# A list without anything in it is as good as none.
NO_OBSERVERS: dict[str, tuple[Any, ...]] = {"observers": (TEXTS[2],)}
# What is told of the server of a charger is read only where there is one.
WITHOUT_SERVER = {**dict.fromkeys(("username", "ca_file"), TEXTS), **NO_OBSERVERS}
BY_THE_BOOK = {**WITHOUT_SERVER, "meter_values": (CHOICES[3],)}
CONFIG, OPTIONS = EN["config"], EN["options"]
GROUPS, CHARGERS = EN["config_subentries"]["group"], EN["config_subentries"]["charger"]
FORMS: dict[str, Form] = {
    "new site": Form(new_site, CONFIG, site(0), UNCHECKED | NO_OBSERVERS),
    "changed site": Form(changed_site, CONFIG, site(0), UNCHECKED | NO_OBSERVERS),
    **{
        f"supply by {kind}": Form(supply(kind), CONFIG, good, {"heartbeat": ENTITIES[5:]})
        for kind, good in {
            "current": {**SENSORS, "advanced": METERED},
            "power": {
                **{name: f"{one}_w" for name, one in SENSORS.items()},
                "direction": "import_positive",
                "advanced": {**METERED, "voltage_v": 230},
            },
            "import_export": {
                **{
                    f"{way}_{line}": f"sensor.{way}_{line}"
                    for way in ("import", "export")
                    for line in ("l1", "l2", "l3")
                },
                "advanced": {**METERED, "voltage_v": 230},
            },
            "total": {"total": "sensor.l1_w", "direction": "import_positive", "advanced": METERED},
            "none": {"other_loads_a": 5, "feeds_chargers_only": False},
        }.items()
    },
    "new group": Form(
        new_subentry("group"),
        GROUPS,
        {"name": "New", "parent": "root", "rating_a": 16, "advanced": {"schedule": ""}},
        NO_OBSERVERS,
    ),
    "changed group": Form(
        changed_subentry(0),
        GROUPS,
        {"name": "New", "parent": "root", "rating_a": 16, "advanced": {"schedule": ""}},
        NO_OBSERVERS,
    ),
    "new charger": Form(
        new_subentry("charger"), CHARGERS, {**CHARGER, "identity": "NEW"}, BY_THE_BOOK
    ),
    "changed charger": Form(
        changed_subentry(1), CHARGERS, {**CHARGER, "new_password": False}, BY_THE_BOOK
    ),
    "discovered charger": Form(discovered, CONFIG, CHARGER, BY_THE_BOOK),
    "options": Form(
        options("general"),
        OPTIONS,
        {
            "unbalance_a": 20,
            "holidays": "2026-12-25",
            "details": True,
            "charger_entities": ["sensor.status"],
            "advanced": {"turn_min": 30, "short_turn_min": 4},
        },
        {"charger_entities": (CHOICES[3],)},
    ),
    "rules of tags": Form(
        options("tags", "tag_rules"), OPTIONS, {"unknown": "automatic", "answer_within_s": 10}
    ),
    "new tag": Form(
        options("tags", "add_tag"),
        OPTIONS,
        {"id": "04A1", "name": "Anne", "status": "accepted", "parent": "FAMILY", "priority": 1},
        {"valid_in": (CHOICES[3],)},
    ),
    "import": Form(
        options("ocpp_balanz"),
        OPTIONS,
        {
            "groups": "group_id,max_allocation\nHQ,00:00-23:59>0=63\n",
            "chargers": "charger_id,group_id\nCP-9,HQ\n",
            "rating_a": 32,
            "phases": "3",
        },
    ),
}


def bad_values(one: Any) -> tuple[Any, ...]:
    """Return what a field must not have, by its kind; to Home Assistant, all is true or false."""
    while hasattr(one, "validators"):
        one = one.validators[0]
    match one:
        case selector.NumberSelector():
            return NUMBERS
        case selector.SelectSelector():
            return CHOICES
        case selector.TextSelector():
            return TEXTS
        case selector.EntitySelector():
            return ENTITIES
    return ()


def attempts(schema: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each field of a form, and of its sections, with each value that it must not have."""
    for key, value in schema.schema.items():
        if isinstance(value, section):
            yield from attempts(value.schema, *path, str(key))
        else:
            for bad in bad_values(value):
                yield (*path, str(key)), bad


def spoilt(good: Mapping[str, Any], path: tuple[str, ...], bad: Any) -> dict[str, Any]:
    """Return an input with one wrong value in it."""
    user_input = deepcopy(dict(good))
    where = user_input
    for name in path[:-1]:
        where = where.setdefault(name, {})
    where[path[-1]] = bad
    return user_input


def state(hass: HomeAssistant) -> Any:
    """Return all that forms can change."""
    return [
        (
            entry.title,
            dict(entry.data),
            dict(entry.options),
            [(one.title, dict(one.data)) for one in entry.subentries.values()],
        )
        for entry in hass.config_entries.async_entries(DOMAIN)
    ]


@pytest.mark.parametrize("name", FORMS)
async def test_what_a_field_must_not_have_is_refused_and_nothing_changes(
    hass: HomeAssistant, port: int, name: str
) -> None:
    form = FORMS[name]
    entry = site_entry(port, group("g1"), charger("CP-1"))
    await set_up(hass, entry)
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.{line}", "1", {"unit_of_measurement": "A"})
        for sensor in (f"{line}_w", f"import_{line}", f"export_{line}"):
            hass.states.async_set(f"sensor.{sensor}", "1", {"unit_of_measurement": "W"})
    hass.states.async_set("sensor.counts_kwh", "1", {"unit_of_measurement": "kWh"})
    hass.states.async_set("sensor.says_words", "much", {"unit_of_measurement": "A"})
    before = state(hass)
    manager, shown = await form.reach(hass, entry, port)
    good = {**form.good, "port": port} if "port" in form.good else dict(form.good)
    if name == "new site":
        good["port"] = free_port()
    wrong: list[tuple[tuple[str, ...], Any, str]] = []

    for path, bad in attempts(shown["data_schema"]):
        if is_in(bad, form.may_be.get(path[-1], ())):
            continue
        try:
            result = await manager.async_configure(shown["flow_id"], spoilt(good, path, bad))
        except InvalidData:
            # What the schema refuses, Home Assistant shows at its field.
            continue
        except Exception as error:
            wrong.append((path, str(bad)[:20], f"raises {error!r:.80}"))
            manager, shown = await form.reach(hass, entry, port)
            continue
        if result["type"] is not FlowResultType.FORM or not result["errors"]:
            wrong.append((path, str(bad)[:20], "is taken"))
            manager, shown = await form.reach(hass, entry, port)
            before = state(hass)
            continue
        assert set(result["errors"].values()) <= set(form.texts["error"])
        assert set(result["errors"]) <= {path[0]}
        told = result["description_placeholders"] or {}
        assert max((len(str(text)) for text in told.values()), default=0) < 1000

    assert wrong == [], "\n".join(map(str, wrong))
    assert state(hass) == before
    result = await manager.async_configure(shown["flow_id"], good)
    await hass.async_block_till_done()
    assert result["type"] is not FlowResultType.FORM or not result["errors"]


async def test_an_address_that_nobody_can_look_up_is_refused(
    hass: HomeAssistant, port: int
) -> None:
    too_long = UnicodeError("label too long")
    manager = hass.config_entries.flow
    form = await manager.async_init(DOMAIN, context={"source": SOURCE_USER})

    with patch("asyncio.base_events.BaseEventLoop.create_server", side_effect=too_long):
        result: Any = await manager.async_configure(form["flow_id"], site(port) | {"host": LONG})

    assert result["errors"] == {"host": "cannot_listen"}


@pytest.mark.parametrize("name", ["Größe 🚗", "車庫", "مرآب", "O'Brien & <Sons>", "x" * 100])
async def test_a_name_may_be_in_any_script(hass: HomeAssistant, port: int, name: str) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    manager, form = await new_subentry("charger")(hass, entry, port)

    await manager.async_configure(form["flow_id"], {**CHARGER, "identity": "NEW", "name": name})
    await hass.async_block_till_done()

    assert [subentry.title for subentry in entry.subentries.values()] == [name]
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert name in {device.name for device in devices}


@pytest.mark.parametrize("name", [" ", "x" * 101, "two\nlines", "\u202eright to left"])
@pytest.mark.parametrize("kind", ["group", "charger"])
async def test_a_name_that_cannot_be_shown_on_a_line_is_refused(
    hass: HomeAssistant, port: int, kind: str, name: str
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    manager, form = await new_subentry(kind)(hass, entry, port)

    result = await manager.async_configure(
        form["flow_id"], {**FORMS[f"new {kind}"].good, "name": name}
    )

    assert result["errors"] == {"name": "name_invalid"}
    assert not entry.subentries


@pytest.mark.parametrize(("kind", "taken"), [("group", " garage "), ("charger", "LEFT")])
async def test_two_groups_or_chargers_cannot_have_one_name(
    hass: HomeAssistant, port: int, kind: str, taken: str
) -> None:
    entry = site_entry(port, group("g1"), charger("CP-1"))
    await set_up(hass, entry)
    manager, form = await new_subentry(kind)(hass, entry, port)

    result = await manager.async_configure(
        form["flow_id"], {**FORMS[f"new {kind}"].good, "name": taken}
    )

    assert result["errors"] == {"name": "name_taken"}


async def test_what_has_the_name_of_another_already_may_keep_it(
    hass: HomeAssistant, port: int
) -> None:
    """Before names were compared, two chargers could have the same."""
    entry = site_entry(port, charger("CP-1"), charger("CP-2"))
    await set_up(hass, entry)
    manager, form = await changed_subentry(1)(hass, entry, port)

    result = await manager.async_configure(form["flow_id"], {**CHARGER, "name": "Left"})

    assert result["reason"] == "reconfigure_successful"
