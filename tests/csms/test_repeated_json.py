"""What differs from what was read before in nothing but numbers is read as if it had come first."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ten_values import ten_values
from custom_components.balanz.csms.repeated_json import (
    MOST_CHARACTERS,
    MOST_OUTLINES,
    MOST_VALUES,
    Sampled,
    read_json,
    unfold,
)

NUMBERS = st.sampled_from(
    ["0", "10.4", "-1e3", "", "5 kW", "NaN", "ä", "\\u00e4", "\\", "\\n", "\n", "]", "}", "a,b"]
)
NAMES = st.sampled_from(["A", "Current.Import", "]", "[", "}", "value", "sampledValue", "ä"])
SAMPLES = st.dictionaries(
    st.sampled_from(["unit", "measurand", "sampledValue", "meterValue"]), NAMES, max_size=3
)
ODD: st.SearchStrategy[Any] = st.none() | st.integers(0, 1) | NAMES | st.just([]) | st.just({})


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A frame as chargers write them, and as they should not."""
    lists = [draw(_lists()) for _ in range(draw(st.sampled_from([1, 1, 1, 2])))]
    colon = draw(st.sampled_from([":", ": ", " :"]))
    holders = [
        draw(
            st.sampled_from(
                [
                    f'{{"timestamp":"2026-01-01T00:00:00Z","sampledValue"{colon}{one}}}',
                    f'{{"sampledValue"{colon}{one},"timestamp":"2026-01-01T00:00:00Z"}}',
                    f'{{"sampledValue"{colon}{one},"sampledValue"{colon}[]}}',
                    f'{{"sampledValue"{colon}[],"sampledValue"{colon}{one}}}',
                    f'{{"sampledValue"{colon}"{{}}","x"{colon}{one}}}',
                    f'{{"other"{colon}{{"sampledValue"{colon}{one}}}}}',
                ]
            )
        )
        for one in lists
    ]
    name = draw(st.sampled_from(["meterValue", "meterValue", "transactionData"]))
    head = draw(st.sampled_from(['[2,"1","MeterValues",', '[2, "1", "X", ', '[3,"1",', "["]))
    return f'{head}{{"connectorId":1,"{name}":[{",".join(holders)}]}}]'


@st.composite
def _lists(draw: st.DrawFn) -> str:
    samples = []
    for _ in range(draw(st.integers(0, 3))):
        fields = [
            f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False)}"
            for key, value in draw(SAMPLES).items()
        ]
        number = draw(NUMBERS)
        fields.append(draw(st.sampled_from([f'"value":"{number}"', f'"value" : "{number}"'] * 3 + [
            f'"value":"1","value":"{number}"', '"value":1', '"x\\"value":"1"', '"no":"value"'
        ])))  # fmt: skip
        samples.append("{" + ",".join(draw(st.permutations(fields))) + "}")
    samples += [json.dumps(draw(ODD)) for _ in range(draw(st.sampled_from([0, 0, 0, 1])))]
    return f"[{','.join(samples)}]"


def unfolded(value: Any) -> Any:
    """The same with nothing folded up, wherever it stands."""
    if isinstance(value, Sampled):
        samples = value.unfolded()
        assert [sample["value"] for sample in samples] == value.numbers
        return samples
    if isinstance(value, list):
        return [unfolded(item) for item in value]
    if isinstance(value, dict):
        return {name: unfolded(item) for name, item in value.items()}
    return value


def what(read: Any, text: str) -> Any:
    """What a text was read as; None where it is no JSON."""
    try:
        return read(text)
    except orjson.JSONDecodeError:
        return None


@given(st.lists(texts(), min_size=1, max_size=4), st.integers(0, 400), NUMBERS)
def test_whatever_came_before_a_text_means_what_it_says(
    several: list[str], at: int, odd: str
) -> None:
    for text in several:
        # What is odd, and what is usual again after it.
        for one in (text, text, f"{text[:at]}{odd}{text[at:]}", f"{text[:at]}{text[at + 3 :]}"):
            expected = what(orjson.loads, one)
            read = what(read_json, one)
            assert (None if read is None else unfolded(read[0])) == expected


def values_of(number: int, **changes: Any) -> str:
    fields: dict[str, Any] = {"current_a": 10.0, "energy_wh": 1000.0, "transaction_id": 7}
    return ten_values(f"{number}", **(fields | changes))


def test_only_what_surrounds_values_that_are_known_is_read() -> None:
    read_json(values_of(1))
    text = values_of(2, current_a=11.5)

    frame, read = read_json(text)

    sampled = frame[3]["meterValue"][0]["sampledValue"]
    assert isinstance(sampled, Sampled)
    assert "11.5" in sampled.numbers
    assert "11.5" not in read
    assert len(read) < 300 < len(text)


def test_a_payload_that_is_unfolded_is_what_its_text_says() -> None:
    text = values_of(3)
    payload = read_json(text)[0][3]
    unfold(payload)
    assert payload == orjson.loads(text)[3]


@pytest.mark.parametrize("head", ["[3,", "[ 2,", "[2.0,", "[0.2e1,"])
def test_only_calls_as_all_write_them_are_folded_up(head: str) -> None:
    read_json(values_of(4))
    text = head + values_of(5).removeprefix("[2,")
    assert read_json(text) == (orjson.loads(text), text)


def test_nothing_is_folded_up_for_those_who_do_not_know_of_that() -> None:
    read_json(values_of(6))
    text = values_of(7).replace("MeterValues", "DataTransfer")
    assert read_json(text) == (orjson.loads(text), text)


@pytest.mark.parametrize("payload", [{}, {"meterValue": 1}, {"meterValue": [1, {}]}])
def test_where_nothing_is_folded_up_nothing_is_unfolded(payload: dict[str, Any]) -> None:
    before = dict(payload)
    unfold(payload)
    assert payload == before


def one_list(samples: list[dict[str, Any]]) -> Any:
    """What is read of a call with this list."""
    values = [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": samples}]
    text = orjson.dumps([2, "1", "MeterValues", {"connectorId": 1, "meterValue": values}]).decode()
    return read_json(text)[0][3]["meterValue"][0]["sampledValue"]


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param([{"value": "1"}] * (MOST_VALUES + 1), id="too many values"),
        pytest.param([{"value": "1", "unit": "A" * MOST_CHARACTERS}], id="a long name"),
        pytest.param([{"value": 1}], id="a number that is no text"),
        pytest.param([{"value": "1", "unit": 1}], id="a name that is no text"),
        pytest.param([{"measurand": "Voltage"}], id="no value"),
        pytest.param(["value"], id="no object"),
        pytest.param([{"value": "1"}, {"unit": "A"}], id="one without a value"),
        pytest.param([{'x"value': "1"}], id="a name that ends like that of a value"),
        pytest.param([{"value": "1", 'x"value': "2"}], id="such a name besides a value"),
        pytest.param([{"value": "ä"}], id="a number that is no plain text"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_is_odd_is_read_as_it_is(samples: list[Any]) -> None:
    assert one_list(samples) == samples


def test_two_values_of_one_are_not_taken_for_those_of_two() -> None:
    values = '[{"value":"1","value":"2"},{"unit":"A"}]'
    text = f'[2,"1","MeterValues",{{"meterValue":[{{"sampledValue":{values}}}]}}]'
    assert read_json(text)[0] == orjson.loads(text)


def test_only_the_outlines_that_came_last_are_remembered() -> None:
    def outline(name: str) -> object:
        return one_list([{"value": "1", "measurand": name}]).outline

    first = outline("first")
    others = [outline(f"{number}") for number in range(MOST_OUTLINES - 1)]
    assert outline("first") is first

    outline("one more")

    assert outline("0") is not others[0]
    assert outline("first") is first
