"""States that balanz writes by itself leave no garbage that only the collector finds."""

import gc

import pytest
from homeassistant.components.number.const import ATTR_VALUE, SERVICE_SET_VALUE
from homeassistant.const import ATTR_ENTITY_ID, EVENT_STATE_CHANGED, Platform
from homeassistant.core import Context, Event, HomeAssistant
from pytest_homeassistant_custom_component.common import MockUser

from tests.ha.build import CURRENT_SENSORS, set_up, site_entry, state_of, wait_until

AVAILABLE = "sensor.home_available"
CAPACITY = "number.home_capacity"


def meter(hass: HomeAssistant, current_a: float) -> None:
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.grid_{line}", str(current_a), {"unit_of_measurement": "A"})


@pytest.fixture
async def home(hass: HomeAssistant, port: int) -> None:
    meter(hass, 4.0)
    await set_up(hass, site_entry(port, supply=CURRENT_SENSORS))


async def shows_more(hass: HomeAssistant, current_a: float) -> None:
    before = state_of(hass, AVAILABLE)
    meter(hass, current_a)
    await wait_until(lambda: state_of(hass, AVAILABLE) != before)


@pytest.mark.usefixtures("home")
async def test_a_state_that_is_replaced_goes_without_the_collector(hass: HomeAssistant) -> None:
    heard: list[str] = []
    hass.bus.async_listen(EVENT_STATE_CHANGED, lambda one: heard.append(one.data["entity_id"]))
    gc.collect()
    gc.disable()
    try:
        for current_a in (5.0, 6.0, 7.0, 8.0):
            await shows_more(hass, current_a)
        await hass.async_block_till_done()
        told = [
            one
            for one in gc.get_objects()
            if type(one) is Event
            and one.event_type == EVENT_STATE_CHANGED
            and one.data["entity_id"] == AVAILABLE
        ]
    finally:
        gc.enable()
    assert heard.count(AVAILABLE) >= 4
    assert not told


@pytest.mark.usefixtures("home")
async def test_each_state_has_a_context_of_its_own(hass: HomeAssistant) -> None:
    seen: list[Context] = []
    for current_a in (5.0, 6.0, 7.0):
        await shows_more(hass, current_a)
        shown = hass.states.get(AVAILABLE)
        assert shown is not None
        seen.append(shown.context)
    assert len({one.id for one in seen}) == 3
    assert all(one.user_id is None and one.parent_id is None for one in seen)


@pytest.mark.usefixtures("home")
async def test_what_a_user_has_changed_is_told_as_the_users_doing(
    hass: HomeAssistant, hass_admin_user: MockUser
) -> None:
    asked = Context(user_id=hass_admin_user.id)
    await hass.services.async_call(
        Platform.NUMBER,
        SERVICE_SET_VALUE,
        {ATTR_ENTITY_ID: CAPACITY, ATTR_VALUE: 12.0},
        blocking=True,
        context=asked,
    )
    await wait_until(lambda: state_of(hass, CAPACITY) == "12.0")
    shown = hass.states.get(CAPACITY)
    assert shown is not None
    assert shown.context is asked
