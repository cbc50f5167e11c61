"""Sessions are events of an entity, and lines of the logbook."""

import json
from typing import Any

import pytest
from homeassistant.core import HomeAssistant, State

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import Phase
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.site.session_events import SessionEvent, SessionKind
from custom_components.balanz.storage.tags import Tag
from simulator.car import Car
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn
from tests.ha.pages import FOLDER

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
    """Return what the entity tells of an event of a charger that is set up."""
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    [listener] = entry.runtime_data.site.sessions._listeners[KEY]
    listener(event)
    await hass.async_block_till_done()
    return dict(shown(hass).attributes)


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


async def test_an_event_names_the_tag_but_not_its_id(hass: HomeAssistant, port: int) -> None:
    data = await told(hass, port, happened(SessionKind.STARTED))

    assert {name: data[name] for name in ("charger", "connector", "tag", "person")} == {
        "charger": "Left",
        "connector": 1,
        "tag": "Anne",
        "person": "person.anne",
    }
    assert "SECRET" not in str(data)


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


@pytest.mark.parametrize("language", ["en", "de", "nl"])
def test_the_name_of_an_event_and_its_type_read_like_a_sentence(language: str) -> None:
    texts = json.loads((FOLDER / f"translations/{language}.json").read_text("utf-8"))
    for event in texts["entity"]["event"].values():
        for text in event["state_attributes"]["event_type"]["state"].values():
            # A verb in the third person follows the name of the entity.
            assert text[0].islower(), text
            assert not text.endswith("."), text
