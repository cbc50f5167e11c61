"""Every form with everything that must not be in its fields: refused, and mended in that form."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, section
from homeassistant.helpers import selector
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.ha import test_config_flow as of_sites
from tests.ha import test_options_flow as of_options
from tests.ha import test_subentry_flow as of_parts
from tests.ha.build import group, set_up, site_entry
from tests.ha.test_translations import EN

LONG = "x" * 10_000
UNICODE = "Ünïcödé 🔌"

type Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form that is open, and what would be right in it."""

    opened: Any
    valid: dict[str, Any]
    answer: Callable[[HomeAssistant, Any, dict[str, Any]], Awaitable[Any]]
    errors: dict[str, str]
    """The texts of its errors."""


async def site_form(hass: HomeAssistant, port: int) -> Form:
    return Form(
        opened=await of_sites.start(hass),
        valid=of_sites.site(port),
        answer=of_sites.answer,
        errors=EN["config"]["error"],
    )


async def charger_form(hass: HomeAssistant, port: int) -> Form:
    entry = await running(hass, port)
    return Form(
        opened=await of_parts.start(hass, entry, "charger"),
        valid=of_parts.NEW_CHARGER,
        answer=of_parts.answer,
        errors=EN["config_subentries"]["charger"]["error"],
    )


async def group_form(hass: HomeAssistant, port: int) -> Form:
    entry = await running(hass, port)
    return Form(
        opened=await of_parts.start(hass, entry, "group"),
        valid={"name": "Garage", "parent": "root", "rating_a": 20},
        answer=of_parts.answer,
        errors=EN["config_subentries"]["group"]["error"],
    )


async def options_form(hass: HomeAssistant, port: int) -> Form:
    entry = await running(hass, port)
    return Form(
        opened=await of_options.general(hass, entry),
        valid={"advanced": of_options.DEFAULTS},
        answer=of_options.answer,
        errors=EN["options"]["error"],
    )


async def running(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port)
    await set_up(hass, entry)
    return entry


FORMS = [site_form, charger_form, group_form, options_form]


def fields_of(schema: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the way to each field, through sections, and its selector."""
    for key, value in schema.schema.items():
        if isinstance(value, section):
            yield from fields_of(value.schema, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def wrong_values(field: Any) -> Iterator[Any]:
    """Yield what a field must not hold."""
    match field:
        case selector.NumberSelector():
            yield from ("many", UNICODE, LONG, inf, -inf, 1e300, {}, [], None)
            if (least := field.config.get("min")) is not None:
                yield least - 1
            if (most := field.config.get("max")) is not None:
                yield most + 1
        case selector.SelectSelector():
            yield from ("", "nothing", UNICODE, LONG, 5, {}, [], None)
        case selector.EntitySelector():
            yield from ("", "nothing", UNICODE, LONG, 5, {}, None)
        case selector.TextSelector():
            yield from (5, {}, [], None)


def with_value(data: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    name, *rest = path
    inner = with_value(data.get(name, {}), tuple(rest), value) if rest else value
    return {**data, name: inner}


@pytest.mark.parametrize("open_form", FORMS)
async def test_what_a_field_cannot_hold_is_refused_and_the_form_stays_open(
    hass: HomeAssistant, port: int, open_form: Callable[[HomeAssistant, int], Awaitable[Form]]
) -> None:
    form = await open_form(hass, port)
    fields = dict(fields_of(form.opened["data_schema"]))
    for path, field in fields.items():
        for value in wrong_values(field):
            wrong = with_value(form.valid, path, value)
            try:
                result = await form.answer(hass, form.opened, wrong)
            except InvalidData:
                continue
            assert result["type"] is FlowResultType.FORM, (path, repr(value)[:60])
            assert set(result["errors"].values()) <= set(form.errors), (path, repr(value)[:60])

    done = await form.answer(hass, form.opened, form.valid)
    assert done["type"] in (FlowResultType.CREATE_ENTRY, FlowResultType.MENU)


NAMED = [site_form, charger_form, group_form]


@pytest.mark.parametrize("open_form", NAMED)
async def test_a_name_that_cannot_be_shown_is_refused(
    hass: HomeAssistant, port: int, open_form: Callable[[HomeAssistant, int], Awaitable[Form]]
) -> None:
    form = await open_form(hass, port)
    for name in ("", "   ", LONG, "a\x00b", "\u202etxt.exe", "a\nb"):
        refused = await form.answer(hass, form.opened, {**form.valid, "name": name})
        assert refused["errors"] == {"name": "name_invalid"}

    done = await form.answer(hass, form.opened, {**form.valid, "name": f" {UNICODE} "})
    assert done["type"] in (FlowResultType.CREATE_ENTRY, FlowResultType.MENU)


async def test_a_name_is_kept_without_the_blanks_around_it(hass: HomeAssistant, port: int) -> None:
    form = await charger_form(hass, port)
    done = await form.answer(hass, form.opened, {**form.valid, "name": f" {UNICODE} "})
    assert done["title"] == UNICODE


async def test_two_groups_of_one_name_are_refused_and_one_may_keep_its_own(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("garage"), group("yard", name="Yard"))
    await set_up(hass, entry)
    form = await of_parts.start(hass, entry, "group")
    for name in ("Home", "garage", " YARD"):
        wrong = {"name": name, "parent": "root", "rating_a": 20}
        refused = await of_parts.answer(hass, form, wrong)
        assert refused["errors"] == {"name": "name_taken"}

    form = await entry.start_subentry_reconfigure_flow(hass, "subentry-yard")
    kept = {"name": "Yard", "parent": "root", "rating_a": 10}
    assert (await of_parts.answer(hass, form, kept))["type"] is FlowResultType.MENU


@pytest.mark.parametrize("host", ["", "  ", "a\x00b", "x" * 10_000, "-.-", "nowhere..example"])
async def test_an_address_that_is_none_is_refused(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def looked_up(name: str | bytes, *_: object, **__: object) -> Any:
        # What Python itself does before it asks anybody.
        if "\x00" in str(name):
            raise ValueError("embedded null character")
        str(name).encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    form = await site_form(hass, port)
    refused = await form.answer(hass, form.opened, {**form.valid, "host": host})
    assert refused["errors"] == {"host": "cannot_listen"}
