"""The actions that automations balance with: what they do, and whom they mean."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers import label_registry as lr
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.balanz.actions.balancing import BALANCING_ACTIONS
from custom_components.balanz.actions.targets import (
    ConnectorTarget,
    targeted_connectors,
    targeted_groups,
    targeted_places,
)
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.devices import device_id
from simulator.car import Car
from simulator.charger import SimulatedCharger
from tests.ha.build import CURRENT_SENSORS, charger, group, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

type Act = Callable[..., Awaitable[Any]]

EAGER = Car(name="eager", start_lag_s=0.0, reaction_lag_s=0.0)
NAMES = {"home": "home_root", "garage": "home_garage"}


@pytest.fixture
def act(hass: HomeAssistant) -> Act:
    """Take an action at devices, by the names that they have in these tests."""

    async def take(name: str, *devices: str, **data: Any) -> Any:
        if devices:
            data["device_id"] = [device_of(hass, one) for one in devices]
        response = name == "get_allocation"
        return await hass.services.async_call(
            DOMAIN, name, data, blocking=True, return_response=response
        )

    return take


def device_of(hass: HomeAssistant, name: str) -> str:
    charger_name, _, connector = name.partition("_")
    own = f"home_charger_{charger_name}"
    if connector:
        child = dr.async_get(hass).async_get_child_device_by_identifier(
            (DOMAIN, f"{own}_{connector}"), "home"
        )
        assert child is not None
        return child.id
    return device_id(hass, "home", NAMES.get(name, own))


def until_of(hass: HomeAssistant, entity_id: str) -> datetime | None:
    state = hass.states.get(entity_id)
    assert state is not None
    until = state.attributes["until"]
    return None if until is None else datetime.fromisoformat(until)


def lasts(until: datetime | None) -> timedelta:
    """Return how long it is still to last, to the next minute."""
    assert until is not None
    minutes = round((until - dt_util.utcnow()).total_seconds() / 60)
    return timedelta(minutes=minutes)


@pytest.fixture
async def home(hass: HomeAssistant, port: int) -> MockConfigEntry:
    """A site with a group in it and three chargers, one of them with two connectors."""
    entry = site_entry(
        port,
        group("garage", rating_a=25.0),
        charger("CP-1"),
        charger("CP-2", name="Right", group="garage"),
        charger("CP-3", name="Double", group="garage", connectors=2),
    )
    await set_up(hass, entry)
    return entry


@pytest.fixture
async def charging(hass: HomeAssistant, port: int, dial_in: DialIn) -> SimulatedCharger:
    """The only charger of a site, with a car that charges with 16 A."""
    await set_up(hass, site_entry(port, charger("CP-1")))
    simulated = await dial_in("CP-1", sample_interval_s=1)
    simulated.plug_in(EAGER)
    await reaches(hass, 16.0)
    return simulated


async def reaches(hass: HomeAssistant, limit_a: float) -> None:
    """Wait until the first charger has accepted a limit; raises take their time."""
    await wait_until(
        lambda: state_of(hass, "sensor.left_accepted_limit") == str(limit_a), deadline_s=40
    )


# What they do


async def test_a_group_carries_less_for_a_while(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    await act("set_capacity", "home", current=15, duration={"hours": 1})
    await reaches(hass, 10.0)

    [left] = (await act("get_allocation", "CP-1"))["connectors"]
    assert left["explanation"] == f"Home, {left['phase']}: What the group may carry is shared."

    capacity = hass.states.get("number.home_capacity")
    assert capacity is not None
    assert capacity.state == "32.0"
    assert capacity.attributes["now"] == capacity.attributes["override"] == 15.0
    assert lasts(until_of(hass, "number.home_capacity")) == timedelta(hours=1)

    await act("clear_capacity", "home")
    await reaches(hass, 16.0)
    assert until_of(hass, "number.home_capacity") is None


async def test_a_group_tells_whether_it_is_what_limits_its_chargers(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    assert state_of(hass, "binary_sensor.home_limiting") == "off"
    await act("set_capacity", "home", current=15)
    await wait_until(lambda: state_of(hass, "binary_sensor.home_limiting") == "on")
    await act("set_limit", "CP-1", current=8)
    await wait_until(lambda: state_of(hass, "binary_sensor.home_limiting") == "off")


async def test_a_power_holds_over_all_phases(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    # 5 A of each phase are kept for other loads; nine tenths of the power are used.
    await act("set_capacity", "home", power=9_200)
    await reaches(hass, 7.0)

    capacity = hass.states.get("number.home_capacity")
    assert capacity is not None
    assert capacity.attributes["override_power"] == 9_200
    assert capacity.attributes["until"] is None


async def test_a_limit_holds_one_charger_and_tells_why(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    await act("set_limit", "CP-1", current=8, duration="00:30:00")
    await reaches(hass, 8.0)
    assert state_of(hass, "sensor.left_reason") == "limit_set"
    assert lasts(until_of(hass, "sensor.left_reason")) == timedelta(minutes=30)

    await act("clear_limit", "CP-1")
    await reaches(hass, 16.0)


async def test_a_power_holds_one_charger_over_all_its_lines(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    await act("set_limit", "CP-1", power=5_520)
    await reaches(hass, 8.0)
    assert state_of(hass, "sensor.left_reason") == "limit_set"


async def test_a_charger_is_paused_until_it_is_resumed(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    await act("pause", "CP-1")
    await reaches(hass, 0.0)
    assert state_of(hass, "sensor.left_reason") == "paused"
    assert state_of(hass, "switch.left_paused") == "on"
    assert charging.transaction_id is not None

    await act("resume", "CP-1")
    await reaches(hass, 16.0)
    assert state_of(hass, "switch.left_paused") == "off"


async def test_a_pause_for_a_while_shows_its_end(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    await act("pause", "CP-1", duration={"minutes": 20})
    assert lasts(until_of(hass, "switch.left_paused")) == timedelta(minutes=20)


async def test_the_switch_pauses_and_resumes(
    hass: HomeAssistant, charging: SimulatedCharger
) -> None:
    target = {"entity_id": "switch.left_paused"}
    await hass.services.async_call("switch", "turn_on", target, blocking=True)
    await wait_until(lambda: state_of(hass, "sensor.left_reason") == "paused")
    await hass.services.async_call("switch", "turn_off", target, blocking=True)
    await reaches(hass, 16.0)


async def test_a_boost_lasts_as_long_as_told(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    await act("boost", "CP-1")
    assert lasts(until_of(hass, "switch.left_boost")) == timedelta(hours=1)
    await act("boost", "CP-1", duration={"hours": 3})
    assert lasts(until_of(hass, "switch.left_boost")) == timedelta(hours=3)


async def test_a_boost_leaves_the_rest_of_the_plan_alone(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    energy = {"entity_id": "number.left_energy_target", "value": 20}
    await hass.services.async_call("number", "set_value", energy, blocking=True)
    await act("boost", "CP-1")
    assert state_of(hass, "number.left_energy_target") == "20.0"


async def test_a_priority_is_set_to_last(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    await act("set_priority", "CP-1", priority=7)
    await hass.async_block_till_done()
    assert state_of(hass, "select.left_priority") == "7"
    assert home.subentries["subentry-CP-1"].data["priority"] == 7
    assert state_of(hass, "select.right_priority") == "1"


@pytest.mark.parametrize("priority", [0, 11, 10**30])
async def test_a_priority_that_cannot_be_is_refused(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, priority: int
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act("set_priority", "CP-1", priority=priority)
    assert refused.value.translation_key == "priority_invalid"
    assert home.subentries["subentry-CP-1"].data["priority"] == 1


async def test_priorities_are_for_admins(
    hass: HomeAssistant, home: MockConfigEntry, hass_read_only_user: MockUser
) -> None:
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "set_priority",
            {"device_id": device_of(hass, "CP-1"), "priority": 3},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )


async def test_sessions_are_started_and_stopped(
    hass: HomeAssistant, home: MockConfigEntry, dial_in: DialIn, act: Act
) -> None:
    simulated = await dial_in("CP-1", charges_freely=False)
    simulated.plug_in(EAGER)
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "preparing")

    await act("start", "CP-1", id_tag="ANNA")
    await wait_until(lambda: simulated.transaction_id is not None)
    await wait_until(lambda: state_of(hass, "sensor.left_tag") == "ANNA")

    await act("stop", "CP-1")
    await wait_until(lambda: simulated.transaction_id is None)


async def test_what_a_charger_does_not_do_is_told_and_the_others_do_it(
    hass: HomeAssistant, home: MockConfigEntry, dial_in: DialIn, act: Act
) -> None:
    simulated = await dial_in("CP-1")
    simulated.plug_in(EAGER)
    await dial_in("CP-2")
    await wait_until(lambda: state_of(hass, "sensor.left_tag") == "SIMULATED")
    await wait_until(lambda: state_of(hass, "sensor.right_status") == "available")
    with pytest.raises(HomeAssistantError) as refused:
        await act("stop", "CP-2", "CP-1")
    assert refused.value.translation_key == "charger_refused"
    assert refused.value.translation_placeholders is not None
    assert refused.value.translation_placeholders["charger"] == "Right"
    await wait_until(lambda: simulated.transaction_id is None)


# Who has how much


async def test_the_allocation_tells_who_has_how_much_why_and_until_when(
    hass: HomeAssistant, charging: SimulatedCharger, act: Act
) -> None:
    await act("set_limit", "CP-1", current=8, duration={"hours": 2})
    await wait_until(lambda: charging.currents_a[0] == 8.0)
    await reaches(hass, 8.0)
    told = await act("get_allocation", "CP-1")

    assert told["groups"] == []
    [left] = told["connectors"]
    assert left["device_id"] == device_of(hass, "CP-1")
    assert (left["name"], left["charger"], left["connector"]) == ("Left", "CP-1", 1)
    assert left["limit"] == left["accepted_limit"] == 8.0
    assert left["reason"] == "limit_set"
    assert left["explanation"] == "A limit was set for it alone."
    assert lasts(datetime.fromisoformat(left["until"])) == timedelta(hours=2)


async def test_the_allocation_of_a_group_has_its_connectors_too(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    await act("set_capacity", "garage", current=10.5, power=5000)
    told = await act("get_allocation", "garage")

    [garage] = told["groups"]
    assert garage["device_id"] == device_of(hass, "garage")
    assert (garage["name"], garage["rating"], garage["capacity"]) == ("Garage", 25.0, 25.0)
    assert (garage["capacity_now"], garage["override"]) == (10.5, 10.5)
    assert (garage["override_power"], garage["until"]) == (5000.0, None)
    assert garage["available"] == {"L1": 5.5, "L2": 5.5, "L3": 5.5}
    assert garage["measured"] is None
    names = [one["name"] for one in told["connectors"]]
    assert names == ["Right", "Double 1", "Double 2"]
    assert all(one["reason"] == "not_connected" for one in told["connectors"])


async def test_the_allocation_of_nothing_in_particular_is_that_of_all(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    told = await act("get_allocation")
    assert [one["name"] for one in told["groups"]] == ["Home", "Garage"]
    assert len(told["connectors"]) == 4


async def test_the_allocation_is_told_in_the_language_of_the_house(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    hass.config.language = "de"
    told = await act("get_allocation", "CP-1")
    assert told["connectors"][0]["explanation"] == (
        "Die Verbindung ist unterbrochen, es kann nichts gesendet werden."
    )


# Whom they mean


def paused(hass: HomeAssistant) -> set[str]:
    return {
        state.entity_id.removeprefix("switch.").removesuffix("_paused")
        for state in hass.states.async_all("switch")
        if state.entity_id.endswith("_paused") and state.state == "on"
    }


DOUBLE = {"double_connector_1", "double_connector_2"}


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (("CP-1",), {"left"}),
        (("CP-3",), DOUBLE),
        (("CP-3_2",), {"double_connector_2"}),
        (("garage",), {"right", *DOUBLE}),
        (("home",), {"left", "right", *DOUBLE}),
        (("CP-1", "CP-1", "garage"), {"left", "right", *DOUBLE}),
    ],
)
async def test_a_device_stands_for_its_connectors_and_a_group_for_all_in_it(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, names: tuple[str, ...], meant: set[str]
) -> None:
    await act("pause", *names)
    assert paused(hass) == meant


async def test_any_entity_stands_for_its_connector(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    await act("pause", entity_id=["sensor.left_reason", "sensor.double_connector_1_reason"])
    assert paused(hass) == {"left", "double_connector_1"}


async def test_an_area_and_a_floor_stand_for_the_chargers_in_them_and_not_for_groups(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    floor = fr.async_get(hass).async_create("Cellar")
    area = ar.async_get(hass).async_create("Carport", floor_id=floor.floor_id)
    for name in ("CP-2", "garage"):
        dr.async_get(hass).async_update_device(device_of(hass, name), area_id=area.id)
    await act("pause", area_id=area.id)
    assert paused(hass) == {"right"}
    await act("resume", floor_id=floor.floor_id)
    assert paused(hass) == set()
    await act("set_capacity", area_id=area.id, current=12)
    assert hass.states.get("number.garage_capacity").attributes["now"] == 12.0  # type: ignore[union-attr]


async def test_a_label_stands_for_the_devices_and_entities_that_have_it(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    label = lr.async_get(hass).async_create("guests").label_id
    dr.async_get(hass).async_update_device(device_of(hass, "CP-2"), labels={label})
    er.async_get(hass).async_update_entity("sensor.left_reason", labels={label})
    await act("pause", label_id=label)
    assert paused(hass) == {"left", "right"}


@pytest.mark.parametrize(
    ("target", "excluded", "meant"),
    [
        ("home", {"device_id": ["garage"]}, {"Left"}),
        ("garage", {"device_id": ["CP-3"]}, {"Right"}),
        ("garage", {"device_id": ["CP-3_2"]}, {"Right", "Double 1"}),
        ("garage", {"entity_id": ["sensor.right_reason"]}, {"Double 1", "Double 2"}),
        ("CP-1", {"device_id": ["garage"]}, {"Left"}),
    ],
)
async def test_what_is_left_out_of_a_target_is_not_meant(
    hass: HomeAssistant,
    home: MockConfigEntry,
    target: str,
    excluded: dict[str, list[str]],
    meant: set[str],
) -> None:
    if "device_id" in excluded:
        excluded = {"device_id": [device_of(hass, one) for one in excluded["device_id"]]}
    # Home Assistant lets users say so from 2026.11 on.
    data = {"device_id": [device_of(hass, target)], "exclude": excluded}

    assert {one.name for one in targeted_connectors(hass, data)} == meant
    connectors = [one for one in targeted_places(hass, data) if isinstance(one, ConnectorTarget)]
    assert {one.name for one in connectors} == meant


async def test_groups_can_be_left_out_too_but_not_all_that_is_meant(
    hass: HomeAssistant, home: MockConfigEntry
) -> None:
    label = lr.async_get(hass).async_create("fuses").label_id
    for name in ("home", "garage"):
        dr.async_get(hass).async_update_device(device_of(hass, name), labels={label})

    data = {"label_id": [label], "exclude": {"entity_id": ["number.garage_capacity"]}}
    assert [one.group.name for one in targeted_groups(hass, data)] == ["Home"]
    with pytest.raises(ServiceValidationError) as refused:
        targeted_groups(hass, {**data, "exclude": {"label_id": [label]}})
    assert refused.value.translation_key == "target_empty"


async def test_a_target_in_which_nothing_fits_is_refused(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    area = ar.async_get(hass).async_create("Attic")
    for name in ("pause", "set_capacity", "get_allocation"):
        with pytest.raises(ServiceValidationError) as refused:
            await act(name, area_id=area.id, **({"current": 8} if name == "set_capacity" else {}))
        assert refused.value.translation_key == "target_empty"


@pytest.mark.parametrize("kind", ["area_id", "floor_id", "label_id"])
async def test_an_area_floor_or_label_that_does_not_exist_is_refused(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, kind: str
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act("pause", "CP-1", **{kind: ["nowhere"]})
    assert refused.value.translation_key == "target_unknown"
    assert refused.value.translation_placeholders == {"target": "nowhere"}
    assert paused(hass) == set()


async def test_nothing_is_done_if_one_of_those_that_are_named_does_not_fit(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    stranger = MockConfigEntry(domain="other")
    stranger.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=stranger.entry_id, identifiers={("other", "home_charger_CP-1")}
    )
    hass.states.async_set("sensor.stranger", "1")
    for wrong in ({"device_id": [device.id]}, {"entity_id": ["sensor.stranger"]}):
        data: dict[str, Any] = {"device_id": [], "entity_id": ["sensor.left_reason"]}
        for key, values in wrong.items():
            data[key] = [*data[key], *values]
        with pytest.raises(ServiceValidationError) as refused:
            await act("pause", **data)
        assert refused.value.translation_key == "target_no_charger"
        with pytest.raises(ServiceValidationError) as refused:
            await act("set_capacity", current=8, **wrong)
        assert refused.value.translation_key == "target_no_group"
        with pytest.raises(ServiceValidationError) as refused:
            await act("get_allocation", **wrong)
        assert refused.value.translation_key == "target_unknown"
    assert paused(hass) == set()


async def test_a_charger_has_no_capacity(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act("set_capacity", "garage", "CP-1", current=8)
    assert refused.value.translation_key == "target_no_group"
    assert hass.states.get("number.garage_capacity").attributes["override"] is None  # type: ignore[union-attr]


async def test_a_site_that_does_not_run_is_no_target(
    hass: HomeAssistant, home: MockConfigEntry, act: Act
) -> None:
    await hass.config_entries.async_unload(home.entry_id)
    with pytest.raises(ServiceValidationError) as refused:
        await act("pause", "CP-1")
    assert refused.value.translation_key == "target_no_charger"
    assert await act("get_allocation") == {"groups": [], "connectors": []}


# What cannot be


@pytest.mark.parametrize(
    ("field", "value", "highest"),
    [("current", 25.1, "25 A"), ("current", 1e300, "25 A"), ("power", 17_251, "17250 W")],
)
async def test_no_group_of_several_carries_more_than_it_can(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, field: str, value: float, highest: str
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act("set_capacity", "home", "garage", **{field: value})
    assert refused.value.translation_key == "capacity_too_high"
    assert refused.value.translation_placeholders is not None
    assert refused.value.translation_placeholders["highest"] in (highest, "32 A")
    for name in ("home", "garage"):
        state = hass.states.get(f"number.{name}_capacity")
        assert state is not None
        assert state.attributes["override"] is state.attributes["override_power"] is None


@pytest.mark.parametrize(
    ("field", "value", "highest"), [("current", 16.5, "16 A"), ("power", 11_041, "11040 W")]
)
async def test_no_limit_is_above_the_rating_of_one_of_several(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, field: str, value: float, highest: str
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act("set_limit", "CP-1", "CP-2", **{field: value})
    assert refused.value.translation_key == "limit_too_high"
    assert refused.value.translation_placeholders is not None
    assert refused.value.translation_placeholders["highest"] == highest
    chargers = home.runtime_data.site.snapshot.chargers.values()
    assert not any(one.bounds for charger in chargers for one in charger.connectors)


@pytest.mark.parametrize("action", [one.name for one in BALANCING_ACTIONS])
async def test_each_action_needs_a_target(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, action: str
) -> None:
    with pytest.raises(vol.Invalid):
        await act(action, current=8, priority=1)


@pytest.mark.parametrize(("action", "device"), [("set_capacity", "home"), ("set_limit", "CP-1")])
async def test_an_amount_is_needed_as_a_current_or_a_power(
    hass: HomeAssistant, home: MockConfigEntry, act: Act, action: str, device: str
) -> None:
    with pytest.raises(vol.Invalid):
        await act(action, device, duration=60)


# How a group shares, and how important a charger is


async def test_a_group_shares_as_is_chosen_and_the_form_shows_it(
    hass: HomeAssistant, home: MockConfigEntry
) -> None:
    assert state_of(hass, "select.home_sharing") == "fair"
    assert state_of(hass, "select.garage_sharing") == "inherit"
    for entity_id in ("select.home_sharing", "select.garage_sharing"):
        data = {"entity_id": entity_id, "option": "first_come"}
        await hass.services.async_call("select", "select_option", data, blocking=True)
    await hass.async_block_till_done()
    assert state_of(hass, "select.home_sharing") == "first_come"
    assert state_of(hass, "select.garage_sharing") == "first_come"
    assert home.data["advanced"]["policy"] == "first_come"
    assert home.subentries["subentry-garage"].data["advanced"] == {"policy": "first_come"}


async def test_a_site_has_no_group_above_it_to_share_like(
    hass: HomeAssistant, home: MockConfigEntry
) -> None:
    data = {"entity_id": "select.home_sharing", "option": "inherit"}
    with pytest.raises(ServiceValidationError):
        await hass.services.async_call("select", "select_option", data, blocking=True)


async def test_a_priority_is_chosen_and_stays(hass: HomeAssistant, home: MockConfigEntry) -> None:
    data = {"entity_id": "select.left_priority", "option": "9"}
    await hass.services.async_call("select", "select_option", data, blocking=True)
    await hass.async_block_till_done()
    assert state_of(hass, "select.left_priority") == "9"
    assert home.subentries["subentry-CP-1"].data["priority"] == 9


async def test_a_group_with_sensors_keeps_to_solar_surplus_if_that_is_chosen(
    hass: HomeAssistant, port: int
) -> None:
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.grid_{line}", "2", {"unit_of_measurement": "A"})
    entry = site_entry(port, group("garage"), supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    assert state_of(hass, "select.home_solar_surplus") == "ignore"
    assert state_of(hass, "select.garage_solar_surplus") is None
    data = {"entity_id": "select.home_solar_surplus", "option": "only"}
    await hass.services.async_call("select", "select_option", data, blocking=True)
    await hass.async_block_till_done()
    assert state_of(hass, "select.home_solar_surplus") == "only"
    assert entry.data["advanced"]["surplus"] == "only"
