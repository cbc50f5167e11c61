"""Chargers that differ from OCPP 1.6 in ways that are told as data."""

import json
from typing import Any

import pytest

from simulator.behaviours import Asked, Behaviour

BEHAVIOUR = Behaviour(
    restarts_on=(Asked("GetConfiguration", "{}"),),
    hangs_up_on=(Asked("Reset"),),
    refuses=(Asked("SetChargingProfile", '"Relative"'),),
    shrugs_off=(Asked("SetChargingProfile"),),
    ignores=(Asked("TriggerMessage"),),
)


@pytest.mark.parametrize(
    ("action", "payload", "reaction"),
    [
        ("GetConfiguration", {}, "restarts_on"),
        ("GetConfiguration", {"key": ["NumberOfConnectors"]}, None),
        ("Reset", {"type": "Soft"}, "hangs_up_on"),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}, "ignores"),
        ("SetChargingProfile", {"csChargingProfiles": {"kind": "Relative"}}, "refuses"),
        ("SetChargingProfile", {"csChargingProfiles": {"kind": "Absolute"}}, "shrugs_off"),
        ("ClearCache", {}, None),
    ],
)
def test_a_call_is_met_as_the_data_says(
    action: str, payload: dict[str, Any], reaction: str | None
) -> None:
    assert BEHAVIOUR.reaction(json.dumps([2, "1", action, payload])) == reaction


@pytest.mark.parametrize("text", ["", "no JSON", "7", "[]", '[3,"1",{"status":"Accepted"}]'])
def test_what_is_no_call_is_left_alone(text: str) -> None:
    assert BEHAVIOUR.reaction(text) is None
