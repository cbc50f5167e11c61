"""What usual chargers tell is read by where it stands, and comes to the same."""

from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.repeated_json import MOST_VALUES, Sampled, read_json
from custom_components.balanz.csms.v16_meter_layouts import layout_of
from custom_components.balanz.csms.v16_meter_values import parse_meter_values

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LINES = ("L1", "L2", "L3")
ODD_NUMBERS = ["", "NaN", "inf", "-1", "1e9", "1_0", "5 kA", "10,5", "400", "0" * 60 + "1"]


def of_lines(measurand: str, unit: str, lines: tuple[str, ...] = LINES) -> list[dict[str, str]]:
    return [{"measurand": measurand, "unit": unit, "phase": line} for line in lines]


CURRENTS = of_lines("Current.Import", "A")
POWERS = of_lines("Power.Active.Import", "W")
POWER = [{"measurand": "Power.Active.Import", "unit": "W"}]
VOLTAGES = of_lines("Voltage", "V", ("L1-N", "L2-N", "L3-N"))
REGISTER = [{"measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
USUAL = [
    [*CURRENTS, *POWERS, *VOLTAGES, *REGISTER],
    [*REGISTER, *POWER, *CURRENTS],
    [*CURRENTS, *POWERS],
    CURRENTS,
]
NOT_USUAL = [
    POWERS,
    CURRENTS[:2],
    [*CURRENTS, *CURRENTS],
    [*CURRENTS, *POWERS, *POWER],
    [*CURRENTS, *VOLTAGES[:1]],
    [*CURRENTS, {"measurand": "SoC", "unit": "Percent"}],
    [*CURRENTS, {"measurand": "Nonsense"}],
    [*CURRENTS, {"measurand": "Power.Active.Import", "unit": "kW"}],
]


def with_numbers(names: list[dict[str, str]], numbers: list[str]) -> list[dict[str, str]]:
    return [one | {"value": number} for one, number in zip(names, numbers, strict=True)]


@st.composite
def messages(draw: st.DrawFn) -> list[dict[str, str]]:
    names = draw(st.permutations(draw(st.sampled_from([*USUAL, *NOT_USUAL]))))
    number = st.floats(0.0, 500.0).map(str) | st.sampled_from(ODD_NUMBERS)
    return with_numbers(names, [draw(number) for _ in names])


def as_sent(sampled_values: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return meter values as they are read of the text of a call."""
    values = {"meterValue": [{"sampledValue": sampled_values}]}
    read = read_json(orjson.dumps([2, "1", "MeterValues", values]).decode())[0]
    meter_values: list[dict[str, Any]] = read[3]["meterValue"]
    return meter_values


@given(sampled_values=messages())
def test_they_are_read_as_by_their_names(sampled_values: list[dict[str, str]]) -> None:
    # What has too many values is read by their names.
    by_name = [*sampled_values, *[{"value": "", "measurand": "Nonsense"}] * MOST_VALUES]

    read = parse_meter_values(as_sent(sampled_values), NOW)

    assert read == parse_meter_values([{"sampledValue": by_name}], NOW)


def usual_of(names: list[dict[str, str]], number: str = "230") -> Any:
    sampled = as_sent(with_numbers(names, [number] * len(names)))[0]["sampledValue"]
    assert isinstance(sampled, Sampled)
    usual = layout_of(sampled).usual
    return usual and usual.read(sampled.numbers, NOW)


def test_usual_ones_are_known_by_their_places() -> None:
    assert all(usual_of(names) is not None for names in USUAL)


def test_what_comes_in_any_other_form_is_left_to_its_names() -> None:
    assert all(usual_of(names) is None for names in NOT_USUAL)


def test_a_number_that_is_odd_is_left_to_its_name() -> None:
    assert all(usual_of(USUAL[0], number) is None for number in ODD_NUMBERS)


def test_a_power_that_may_be_in_kilowatts_is_left_to_its_name() -> None:
    assert usual_of([*CURRENTS, *POWERS], "11") is None
