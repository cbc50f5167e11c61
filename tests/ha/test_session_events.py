"""Sessions are events: of an entity, on the bus, and as sentences in the logbook."""

from collections.abc import Callable
from typing import Any

import pytest
from homeassistant.core import Event, HomeAssistant, State
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import Phase
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.logbook import async_describe_events, session_message
from custom_components.balanz.security_events import EVENT_SECURITY
from custom_components.balanz.session_events import EVENT_SESSION
from custom_components.balanz.site.session_events import SessionEvent, SessionKind
from custom_components.balanz.storage.tags import Tag
from simulator.car import Car
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

KEY = ConnectorKey("CP-1", 1)
ANNE = Tag(id="SECRET", name="Anne", person="person.anne")


def happened(kind: SessionKind, **changes: Any) -> SessionEvent:
    fields: dict[str, Any] = {
        "tag": ANNE,
        "energy_wh": 12345.6,
        "duration_s": 7384.2,
        "reason": Reason(rule=Rule.SHARED, group_id="root", phase=Phase.L2),
        "limit_a": 8.0,
    }
    return SessionEvent(key=KEY, kind=kind, transaction_id=7, **{**fields, **changes})


async def told(hass: HomeAssistant, port: int, event: SessionEvent) -> dict[str, Any]:
    """Return what is on the bus of an event of a charger that is set up."""
    heard = async_capture_events(hass, EVENT_SESSION)
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    [listener] = entry.runtime_data.site.sessions._listeners[KEY]
    listener(event)
    await hass.async_block_till_done()
    [one] = heard
    return dict(one.data)


def shown(hass: HomeAssistant) -> State:
    state = hass.states.get("event.left_session")
    assert state is not None
    return state


async def test_a_real_session_is_told_from_plug_to_plug(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    assert state_of(hass, "event.left_session") == "unknown"
    await entry.runtime_data.site.tags.put(Tag(id="ANNES-CARD", name="Anne"))
    car = Car(name="car", start_lag_s=0.0, reaction_lag_s=0.0)
    simulated = await dial_in("CP-1", id_tag="ANNES-CARD")
    simulated.plug_in(car)
    await wait_until(lambda: shown(hass).attributes.get("event_type") == "started")
    assert shown(hass).attributes["tag"] == "Anne"

    simulated.unplug()

    await wait_until(lambda: shown(hass).attributes["event_type"] == "ended")
    attributes = shown(hass).attributes
    assert attributes["energy"] >= 0
    assert attributes["duration"] < 60
    assert attributes["reason"] == "ev_disconnected"
    assert "ANNES-CARD" not in str(attributes)


async def test_energy_is_in_kwh_and_duration_in_s(hass: HomeAssistant, port: int) -> None:
    data = await told(hass, port, happened(SessionKind.ENDED, stop_reason="EVDisconnected"))

    assert (data["energy"], data["duration"]) == (12.346, 7384)
    assert data["reason"] == "ev_disconnected"


async def test_an_event_names_its_device_its_entity_and_the_tag_but_not_its_id(
    hass: HomeAssistant, port: int, device_registry: dr.DeviceRegistry
) -> None:
    data = await told(hass, port, happened(SessionKind.STARTED))

    device = device_registry.async_get(data.pop("device_id"))
    assert device is not None
    assert device.name == "Left"
    assert data == {
        "entity_id": "event.left_session",
        "kind": "started",
        "charger": "Left",
        "connector": 1,
        "tag": "Anne",
        "person": "person.anne",
    }


async def test_a_limit_tells_what_binds(hass: HomeAssistant, port: int) -> None:
    data = await told(hass, port, happened(SessionKind.LIMITED))

    assert {name: data[name] for name in ("limit", "reason", "group", "phase")} == {
        "limit": 8.0,
        "reason": "shared",
        "group": "Home",
        "phase": "L2",
    }


@pytest.mark.parametrize(("by_car", "by"), [(True, "car"), (False, "charger")])
async def test_a_pause_tells_who_pauses(
    hass: HomeAssistant, port: int, by_car: bool, by: str
) -> None:
    nobody = happened(SessionKind.SUSPENDED, by_car=by_car, tag=None, energy_wh=None)
    data = await told(hass, port, nobody)

    assert (data["by"], data["tag"], data["energy"]) == (by, None, None)


async def test_a_state_is_told_as_what_follows_from_the_event_on_the_bus(
    hass: HomeAssistant, port: int
) -> None:
    heard = async_capture_events(hass, EVENT_SESSION)
    await told(hass, port, happened(SessionKind.STARTED))

    assert shown(hass).context.id == heard[0].context.id


def lines_for(hass: HomeAssistant) -> dict[str, Callable[[Event], dict[str, str]]]:
    found: dict[str, Callable[[Event], dict[str, str]]] = {}

    def describe(_domain: str, event: str, line: Callable[[Event], dict[str, str]]) -> None:
        found[event] = line

    async_describe_events(hass, describe)
    return found


async def test_a_line_of_the_logbook_begins_with_the_charger(
    hass: HomeAssistant, port: int
) -> None:
    data = await told(hass, port, happened(SessionKind.ENDED))
    line = lines_for(hass)[EVENT_SESSION](Event(EVENT_SESSION, data))

    assert line == {
        "name": "Left",
        "message": "ended its session for Anne after 2 h 3 min and 12.3 kWh",
        "entity_id": "event.left_session",
    }


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("refused", "was refused"),
        ("password_taken", "took its new password"),
        ("something_new", "told of a security event"),
    ],
)
def test_what_happens_at_the_door_has_its_line(
    hass: HomeAssistant, kind: str, message: str
) -> None:
    data = {"device_id": None, "identity": "CP-1", "kind": kind}
    line = lines_for(hass)[EVENT_SECURITY](Event(EVENT_SECURITY, data))

    assert line == {"name": "CP-1", "message": message}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "started", "tag": None}, "started a session"),
        ({"kind": "started", "tag": "Anne"}, "started a session for Anne"),
        ({"kind": "refused", "tag": None}, "refused an unknown tag"),
        ({"kind": "refused", "tag": "Anne"}, "refused Anne"),
        (
            {"kind": "limited", "tag": None, "limit": 8.0, "group": "Garage", "reason": "shared"},
            "is limited to 8 A in Garage: the current is shared",
        ),
        (
            {"kind": "limited", "tag": None, "limit": None, "group": None, "reason": "new"},
            "is limited to 0 A: it gets no more",
        ),
        (
            {"kind": "suspended", "tag": None, "by": "car", "reason": "car"},
            "pauses, because the car takes nothing",
        ),
        (
            {"kind": "suspended", "tag": None, "by": "charger", "reason": "waiting"},
            "pauses: it waits for its turn",
        ),
        ({"kind": "suspended", "tag": None, "by": "charger", "reason": "car"}, "pauses"),
        ({"kind": "resumed", "tag": None}, "charges again"),
        (
            {"kind": "ended", "tag": None, "duration": 20, "energy": None},
            "ended its session after less than a minute",
        ),
        (
            {"kind": "ended", "tag": None, "duration": 300, "energy": 0.55},
            "ended its session after 5 min and 0.6 kWh",
        ),
    ],
)
def test_each_line_reads_like_a_sentence(data: dict[str, Any], message: str) -> None:
    assert session_message(data) == message
