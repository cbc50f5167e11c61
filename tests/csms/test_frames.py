"""Frames as text: whatever it is, reading it raises nothing; what is written reads back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.rpc_frames import (
    MAX_NODES,
    BadCall,
    Call,
    CallFailure,
    CallResult,
    Unreadable,
    Verbatim,
    encode_call,
    encode_error,
    encode_result,
    parse,
)

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=255)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | UNICODE,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(UNICODE, below, max_size=3),
    max_leaves=8,
)
PAYLOADS = st.dictionaries(UNICODE.filter(lambda name: name != "transactionId"), VALUES, max_size=4)
ANY_FRAME = st.lists(VALUES | st.sampled_from([2, 3, 4, 2.0, -1]), max_size=6)


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    assert isinstance(parse(text), Call | CallResult | CallFailure | BadCall | Unreadable)


@given(ANY_FRAME)
def test_a_call_with_an_id_is_served_or_answered_and_all_else_is_not(frame: list[Any]) -> None:
    parsed = parse(json.dumps(frame))

    is_call = (
        len(frame) >= 2
        and not isinstance(frame[0], bool)
        and frame[0] == 2
        and isinstance(frame[1], str | int | float)
        and not isinstance(frame[1], bool)
    )
    assert isinstance(parsed, Call | BadCall) == is_call
    if isinstance(parsed, Call | BadCall):
        assert parsed.id == frame[1]


@given(ids=IDS, action=UNICODE, payload=PAYLOADS)
def test_a_call_reads_back_as_it_was_written(
    ids: str, action: str, payload: dict[str, Any]
) -> None:
    parsed = parse(encode_call(ids, action, payload))

    assert isinstance(parsed, Call)
    assert (parsed.id, parsed.action, parsed.payload) == (ids, action, payload)


@given(ids=IDS, payload=PAYLOADS)
def test_a_result_reads_back_as_it_was_written(ids: str, payload: dict[str, Any]) -> None:
    assert parse(encode_result(ids, payload)) == CallResult(id=ids, payload=payload)


@given(ids=IDS, code=UNICODE, description=UNICODE)
def test_an_error_reads_back_as_it_was_written(ids: str, code: str, description: str) -> None:
    expected = CallFailure(id=ids, code=code, description=description)

    assert parse(encode_error(ids, code, description)) == expected


@given(payload=PAYLOADS)
def test_what_is_written_has_no_blanks_that_carry_nothing(payload: dict[str, Any]) -> None:
    compact = json.dumps([3, "1", payload], separators=(",", ":"), ensure_ascii=False)

    # A byte that JSON must escape may be written in two ways; blanks in none.
    assert len(encode_result("1", payload)) <= len(compact)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param('["x",' + "[]," * MAX_NODES + "1]", id="no call"),
        pytest.param("[2,[1]," + "[]," * MAX_NODES + "1]", id="an id that is none"),
        pytest.param('[2,"\\x","A",{"a":[' + "1," * MAX_NODES + "1]}]", id="an id that is broken"),
    ],
)
def test_too_many_elements_without_an_id_are_unreadable(frame: str) -> None:
    assert parse(frame) == Unreadable(reason="too many elements")


def test_too_many_elements_are_refused_without_being_read() -> None:
    frame = parse('[2,"7","DataTransfer",{"data":[' + "1," * MAX_NODES)

    assert isinstance(frame, BadCall)
    assert frame.id == "7"


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"1","DataTransfer",PAYLOAD]',
        ' [ 2 , "a \\" [2, b" , "Data\\"Transfer" , PAYLOAD ] ',
        '[2.0, 17, "DataTransfer", PAYLOAD\n]',
        '[3,"1",PAYLOAD]',
        "[3.0 , 17 , PAYLOAD ]",
    ],
)
@pytest.mark.parametrize("payload", ['{ "a" : 1.50, "b": ["]", {}] }', '{"a":1,"a":2}'])
def test_a_payload_is_told_to_the_letter(frame: str, payload: str) -> None:
    parsed = parse(frame.replace("PAYLOAD", payload))

    assert isinstance(parsed, Call | CallResult)
    assert isinstance(parsed.payload, Verbatim)
    assert [parsed.payload.text, parsed.payload.text] == [payload, payload]
    assert json.loads(payload) == parsed.payload


def test_of_a_message_type_that_nobody_writes_so_the_values_are_told() -> None:
    parsed = parse('[0.2e1,"1","DataTransfer",{ "a" : 1 }]')

    assert isinstance(parsed, Call)
    assert isinstance(parsed.payload, Verbatim)
    assert parsed.payload.text == '{"a":1}'
