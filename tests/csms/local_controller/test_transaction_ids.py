"""A payload is told under another transaction id, and otherwise to the letter."""

import orjson
import pytest

from custom_components.balanz.csms.local_controller.transaction_ids import with_transaction
from custom_components.balanz.csms.rpc_frames import Verbatim


def read(text: str) -> Verbatim:
    return Verbatim.of(orjson.loads(text), text)


@pytest.mark.parametrize("told", ["7", "-7", '"7"', '" 7 "', "7.0", "7e0"])
def test_an_id_is_replaced_however_it_is_written(told: str) -> None:
    payload = with_transaction(read(f'{{ "meterStop":1.50,"transactionId" : {told} }}'), 4711)

    assert isinstance(payload, Verbatim)
    assert payload.text == '{ "meterStop":1.50,"transactionId" : 4711 }'
    assert payload == {"meterStop": 1.5, "transactionId": 4711}


@pytest.mark.parametrize(
    "text",
    [
        '{"transactionId":7,"x":{"transactionId":5}}',
        '{"x":{"transactionId":5},"transaction\\u0049d":7}',
    ],
)
def test_what_is_further_down_is_none_of_ours(text: str) -> None:
    payload = with_transaction(read(text), 4711)

    assert isinstance(payload, Verbatim)
    assert orjson.loads(payload.text) == payload
    assert payload == {"transactionId": 4711, "x": {"transactionId": 5}}


@pytest.mark.parametrize("text", ["{}", '{"transactionId":"x"}', '{"x":{"transactionId":5}}'])
def test_what_names_no_transaction_stays_as_it_is(text: str) -> None:
    payload = with_transaction(read(text), 4711)

    assert isinstance(payload, Verbatim)
    assert payload.text == text


def test_a_payload_of_our_own_stays_one() -> None:
    payload = with_transaction({"transactionId": 7}, 4711)

    assert payload == {"transactionId": 4711}
    assert not isinstance(payload, Verbatim)
