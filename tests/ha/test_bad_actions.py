"""Every action with everything that must not be in its fields: an error that tells, no change.

The fields are those of services.yaml, so that an action which is added is tried as well.
"""

import re
from collections.abc import Iterator, Mapping
from math import inf, nan
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.actions.fields import amount, whole_number
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.devices import device_id
from tests.ha.build import charger, group, set_up, site_entry
from tests.ha.test_ocpp_actions import PROFILE
from tests.ha.test_translations import EN, SERVICES

ACTIONS = tuple(map(str, SERVICES))
"""Plain texts: those that were read from YAML do not pass from one process of tests to another."""
LONG = "x" * 10_000
UNICODE = "Ünïcödé 🔌\u202e"
NOON = "2026-03-01T12:00:00+00:00"
NOTHING: Any = object()
"""Stands for a field that is left out."""

WRONG: Mapping[str, tuple[Any, ...]] = {
    "boolean": ("maybe", UNICODE, LONG, {}, []),
    "config_entry": ("", "nowhere", UNICODE, LONG, {}, [], 5),
    "datetime": (
        "",
        "yesterday",
        "2026-13-32T25:61:61",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        UNICODE,
        LONG,
        5,
        10**400,
        {},
        [],
    ),
    "device": ("", "nowhere", UNICODE, LONG, {}, 5),
    "duration": (
        "",
        "soon",
        "1:2:3:4",
        UNICODE,
        LONG,
        0,
        -5,
        nan,
        inf,
        -inf,
        1e300,
        10**400,
        True,
        None,
        {},
        [],
        {"hours": "many"},
        {"hours": 1e300},
        {"fortnights": 1},
        {"days": 14, "seconds": 1},
    ),
    "entity": ("light.kitchen", "person", UNICODE, LONG, {}, [], 5),
    "number": ("", "many", UNICODE, LONG, nan, inf, -inf, 1e300, -1e300, 10**400, {}, [], [1]),
    "object": ("profile", UNICODE, LONG, 5, [[]], [None], {"chargingProfileId": UNICODE}),
    "select": ("", "nothing", UNICODE, LONG, 5, {}, []),
    "target": ("", "nowhere", UNICODE, LONG, 5, {}, ["nowhere"], [LONG], [5], [{}]),
    "text": ({}, {"a": 1}, [{}]),
}
"""What a field of each kind must not take."""

STRANGE = ("", UNICODE, LONG, "\x00", "<b>{value}</b>", "../../etc/passwd", 5, -1e300, True)
"""What text may or may not be; nothing worse than an error comes of it."""


def fields_of(action: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the kind of each field of an action, and how it is to be chosen."""
    kinds = {}
    for name, field in SERVICES[action]["fields"].items():
        [(kind, shape)] = field["selector"].items()
        kinds[name] = (kind, shape or {})
    return kinds


def sample(action: str, name: str, kind: str, shape: Mapping[str, Any]) -> Any:
    """Return what a field may have."""
    own = {"location": "ftp://192.0.2.1/log", "charging_profile": PROFILE, "id": "04A1B2C3"}
    own |= {"issuer_name_hash": "a" * 64, "issuer_key_hash": "b" * 64}
    if name in own and kind != "number":
        return own[name]
    match kind:
        case "number":
            return max(shape.get("min", 1), 1)
        case "select":
            return shape["options"][0]
        case "datetime":
            return NOON
        case "boolean":
            return True
    return "ABC"


def bad_values(kind: str, shape: Mapping[str, Any]) -> Iterator[Any]:
    yield from WRONG[kind]
    if kind == "number":
        if "max" in shape:
            yield shape["max"] + 1
        if "min" in shape:
            yield shape["min"] - 1


def state_of_all(entry: MockConfigEntry) -> tuple[object, ...]:
    """Return all that an action could have changed."""
    snapshot = entry.runtime_data.site.snapshot
    connectors = [one for found in snapshot.chargers.values() for one in found.connectors]
    return (
        dict(entry.data),
        dict(entry.options),
        {one.subentry_id: dict(one.data) for one in entry.subentries.values()},
        [(one.capacity_a, one.override, one.smart_charging) for one in snapshot.groups.values()],
        [(one.maximum_a, one.bounds, one.plan, one.enabled) for one in connectors],
        set(entry.runtime_data.site.tags.known),
    )


def assert_told(error: Exception) -> None:
    """See to it that a user can read what is wrong, in each language, and not too much of it."""
    assert isinstance(error, HomeAssistantError)
    assert error.translation_domain == DOMAIN
    message = EN["exceptions"][error.translation_key]["message"]
    told = {name: str(value) for name, value in (error.translation_placeholders or {}).items()}
    assert set(re.findall(r"\{(\w+)\}", message)) <= set(told)
    assert len(message.format(**told)) < 500


class Bench:
    """A site whose charger is not connected, and actions on it."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.entry = entry
        self.charger = device_id(hass, "home", "home_charger_CP-1")
        self.garage = device_id(hass, "home", "home_garage")
        stranger = MockConfigEntry(domain="other", entry_id="stranger")
        stranger.add_to_hass(hass)
        self.stranger = (
            dr.async_get(hass)
            .async_get_or_create(config_entry_id="stranger", identifiers={("other", "CP-1")})
            .id
        )

    def valid(self, action: str) -> dict[str, Any]:
        """Return what an action has to have."""
        data: dict[str, Any] = {}
        for name, (kind, shape) in fields_of(action).items():
            if not SERVICES[action]["fields"][name].get("required"):
                continue
            if kind == "device":
                of_groups = action == "run_overload_drill"
                data[name] = self.garage if of_groups else self.charger
            else:
                data[name] = sample(action, name, kind, shape)
        if "target" in SERVICES[action]:
            data["device_id"] = [self.garage if "capacity" in action else self.charger]
        if action in ("set_capacity", "set_limit"):
            data["current"] = 10
        if action in ("import_tags", "import_firmware"):
            data["csv"] = "id\nABC"
        return data

    async def take(self, action: str, data: Mapping[str, Any]) -> Exception | None:
        """Take an action; return what was wrong with it."""
        answers = self.hass.services.supports_response(DOMAIN, action)
        try:
            await self.hass.services.async_call(
                DOMAIN,
                action,
                dict(data),
                blocking=True,
                return_response=answers is not SupportsResponse.NONE,
            )
        except (vol.Invalid, HomeAssistantError) as error:
            return error
        return None

    async def refuses(self, action: str, data: Mapping[str, Any], *, because: str) -> None:
        """See to it that an action is refused for what is in its fields, and changes nothing."""
        before = state_of_all(self.entry)
        error = await self.take(action, data)
        assert error is not None, because
        if not isinstance(error, vol.Invalid):
            assert isinstance(error, ServiceValidationError), (because, error)
            assert_told(error)
        assert state_of_all(self.entry) == before, because


@pytest.fixture
async def bench(hass: HomeAssistant, port: int) -> Bench:
    entry = site_entry(port, group("garage"), charger("CP-1"), charger("CP-2", name="Right"))
    await set_up(hass, entry)
    return Bench(hass, entry)


def shown(value: object) -> str:
    return repr(value)[:60]


async def test_what_has_the_wrong_type_or_is_beyond_all_bounds_is_refused(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for action in ACTIONS:
        with subtests.test(action):
            for name, (kind, shape) in fields_of(action).items():
                for value in bad_values(kind, shape):
                    data = {**bench.valid(action), name: value}
                    if name == "path":
                        data.pop("csv", None)
                    await bench.refuses(action, data, because=f"{action} {name}={shown(value)}")


async def test_whatever_is_written_as_text_an_error_is_one_that_is_told(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    texts = [
        (action, name)
        for action in ACTIONS
        for name, (kind, _) in fields_of(action).items()
        if kind == "text"
    ]
    for action, name in texts:
        with subtests.test(f"{action} {name}"):
            for value in STRANGE:
                data = {**bench.valid(action), name: value}
                if name == "path":
                    data.pop("csv", None)
                before = state_of_all(bench.entry)
                error = await bench.take(action, data)
                if error is None:
                    continue
                if not isinstance(error, vol.Invalid):
                    assert_told(error)
                assert state_of_all(bench.entry) == before


async def test_what_is_needed_is_not_left_out_and_what_is_unknown_is_not_passed_over(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for action in ACTIONS:
        with subtests.test(action):
            for name, field in SERVICES[action]["fields"].items():
                if field.get("required"):
                    data = bench.valid(action)
                    del data[name]
                    await bench.refuses(action, data, because=f"{action} without {name}")
            await bench.refuses(
                action, {**bench.valid(action), "moon": 1}, because=f"{action} moon"
            )


DEVICES = [
    (action, name)
    for action in ACTIONS
    for name, (kind, _) in fields_of(action).items()
    if kind == "device"
]


async def test_the_device_of_another_entry_is_refused(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for action, name in DEVICES:
        with subtests.test(f"{action} {name}"):
            data = {**bench.valid(action), name: bench.stranger}
            await bench.refuses(action, data, because="another integration's")
            if name == "device_id":
                wrong_kind = bench.charger if action == "run_overload_drill" else bench.garage
                await bench.refuses(action, {**data, name: wrong_kind}, because="of another kind")


async def test_a_target_that_is_none_is_refused_as_a_whole(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for action in (one for one in ACTIONS if "target" in SERVICES[one]):
        valid = bench.valid(action)
        named = valid["device_id"]
        with subtests.test(action):
            for key in ("entity_id", "device_id", "area_id", "floor_id", "label_id"):
                for value in WRONG["target"]:
                    data = {**valid, key: value}
                    if key == "device_id" and isinstance(value, list):
                        data[key] = [*named, *value]
                    await bench.refuses(action, data, because=f"{action} {key}={shown(value)}")
            data = {**valid, "device_id": [*named, bench.stranger]}
            await bench.refuses(action, data, because="another integration's")


async def test_a_site_that_does_not_run_is_told(bench: Bench, subtests: pytest.Subtests) -> None:
    await bench.hass.config_entries.async_unload("home")
    for action in ACTIONS:
        with subtests.test(action):
            error = await bench.take(action, bench.valid(action))
            assert isinstance(error, ServiceValidationError)
            assert_told(error)


@pytest.mark.parametrize("value", [True, "much", nan, inf, -1])
def test_what_is_no_number_from_zero_on_is_no_amount(value: Any) -> None:
    with pytest.raises(vol.Invalid):
        amount(value)


def test_a_fraction_is_no_whole_number() -> None:
    assert whole_number("3") == 3
    with pytest.raises(vol.Invalid):
        whole_number(3.5)
