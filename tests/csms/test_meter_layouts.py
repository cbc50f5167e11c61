"""Meter values that were said before in other numbers are checked and read no differently."""

import asyncio
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.repeated_json import MOST_VALUES, Sampled, read_json
from custom_components.balanz.csms.v16_meter_layouts import labels_of, layout_of
from custom_components.balanz.csms.v16_meter_values import parse_meter_values
from custom_components.balanz.csms.validation import Direction, _validators, check, load

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(0, 2) | st.just([]) | st.just({"value": "1"})
)
NUMBERS = st.sampled_from(["0", "1", "10.4", "230.0", "1e3", "5 kW", "NaN", "1_0", "", "x" * 60])
SAMPLED_VALUES = st.fixed_dictionaries(
    {"value": NUMBERS},
    optional={
        "measurand": st.sampled_from(["Current.Import", "Voltage", "SoC", "Nonsense"]) | ODD,
        "phase": st.sampled_from(["L1", "L2-N", "L4"]) | ODD,
        "unit": st.sampled_from(["A", "kWh", "Percent", "a"]) | ODD,
        "context": st.sampled_from(["Sample.Periodic", "Transaction.End", "Now"]),
        "location": st.sampled_from(["Outlet", "EV", "Moon"]),
        "format": st.sampled_from(["Raw", "SignedData"]),
        "other": st.just("1"),
    },
)
METER_VALUES = st.fixed_dictionaries(
    {"sampledValue": st.lists(SAMPLED_VALUES | ODD, max_size=4) | ODD},
    optional={"timestamp": st.just("2026-07-01T12:00:00Z") | ODD, "other": st.just("1")},
)
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "connectorId": st.integers(0, 3) | ODD,
        "transactionId": st.integers(0, 3) | ODD,
        "meterValue": st.lists(METER_VALUES | ODD, max_size=2) | ODD,
        "other": st.just("1"),
    },
)
GOOD = {
    "connectorId": 1,
    "transactionId": 7,
    "meterValue": [
        {
            "timestamp": "2026-07-01T12:00:00Z",
            "sampledValue": [
                {"value": "10.4", "measurand": "Current.Import", "unit": "A", "phase": "L1"},
                {"value": "230.0", "measurand": "Voltage", "unit": "V", "phase": "L1-N"},
            ],
        }
    ],
}


@pytest.fixture(scope="module", autouse=True)
def schemas() -> None:
    asyncio.run(load())


def as_sent(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload as it is read of the text of a call."""
    text = orjson.dumps([2, "1", "MeterValues", payload]).decode()
    read: dict[str, Any] = read_json(text)[0][3]
    return read


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a payload, as what holds it and its key."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(below, dict | list):
            yield from places(below)


@given(payload=PAYLOADS, sibling=PAYLOADS)
def test_a_payload_breaks_the_schema_whatever_came_before_it(
    payload: dict[str, Any], sibling: dict[str, Any]
) -> None:
    check("MeterValues", Direction.REQUEST, as_sent(sibling))

    fits = check("MeterValues", Direction.REQUEST, as_sent(payload)) is None

    assert fits == _validators(Direction.REQUEST)["MeterValues"].is_valid(payload)


@given(data=st.data())
def test_one_thing_that_is_odd_in_a_usual_payload_is_found(data: st.DataObject) -> None:
    assert check("MeterValues", Direction.REQUEST, as_sent(GOOD)) is None
    payload: dict[str, Any] = deepcopy(GOOD)
    holder, key = data.draw(st.sampled_from(list(places(payload))))
    odd = data.draw(ODD | st.just("odd"))
    holder[key] = odd

    fits = check("MeterValues", Direction.REQUEST, as_sent(payload)) is None

    assert fits == _validators(Direction.REQUEST)["MeterValues"].is_valid(payload)


@given(
    sampled_values=st.lists(SAMPLED_VALUES, min_size=1, max_size=6),
    numbers=st.lists(NUMBERS, min_size=6, max_size=6),
)
def test_values_are_read_as_if_nothing_had_come_before(
    sampled_values: list[dict[str, Any]], numbers: list[str]
) -> None:
    before = [one | {"value": number} for one, number in zip(sampled_values, numbers, strict=False)]
    parse_meter_values(as_sent({"meterValue": [{"sampledValue": before}]})["meterValue"], NOW)
    sent = as_sent({"meterValue": [{"sampledValue": sampled_values}]})
    read = parse_meter_values(sent["meterValue"], NOW)
    # What has too many values is read without a memory.
    alone = [*sampled_values, *[{"value": "", "measurand": "Nonsense"}] * MOST_VALUES]

    assert read == parse_meter_values([{"sampledValue": alone}], NOW)


@given(sampled_values=st.lists(SAMPLED_VALUES, min_size=1, max_size=6))
def test_a_layout_tells_what_its_values_are_of(sampled_values: list[dict[str, Any]]) -> None:
    read = as_sent({"meterValue": [{"sampledValue": sampled_values}]})
    sampled = read["meterValue"][0]["sampledValue"]
    if isinstance(sampled, Sampled):
        assert list(layout_of(sampled).labels) == list(labels_of(sampled_values))
