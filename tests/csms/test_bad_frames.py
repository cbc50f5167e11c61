"""Whatever a charger sends, it gets the right error or silence, and its next frame is served."""

import json

import pytest

from .client import RawCharger, wait_until
from .conftest import Bench, Dial

MANY_OBJECTS = json.dumps([2, "1", "DataTransfer", {"data": [{"a": 1}] * 15_000}])
TWO_TRANSACTIONS = '[2,"1","StopTransaction",{"transactionId":1,"transactionId":2}]'
DEEP = '[2,"1","DataTransfer",{"vendorId":"x","data":' + "[" * 40 + "]" * 40 + "}]"


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("", id="C01-empty"),
        pytest.param("hello", id="C02-no-json"),
        pytest.param("{}", id="C03-object"),
        pytest.param("null", id="C03-null"),
        pytest.param('"x"', id="C03-text"),
        pytest.param("[]", id="C04-nothing"),
        pytest.param("[2]", id="C04-type-alone"),
        pytest.param('[9,"1","Heartbeat",{}]', id="C07-unknown-type"),
        pytest.param('[-1,"1","Heartbeat",{}]', id="C07-negative-type"),
        pytest.param('["2","1","Heartbeat",{}]', id="C08-type-as-text"),
        pytest.param('[true,"1","Heartbeat",{}]', id="C08-type-true"),
        pytest.param('[6,"1","Heartbeat",{}]', id="C09-send"),
        pytest.param('[5,"1","Heartbeat",{}]', id="C10-result-error"),
        pytest.param('[2,null,"Heartbeat",{}]', id="C12-id-null"),
        pytest.param('[2,[1],"Heartbeat",{}]', id="C12-id-list"),
        pytest.param('[2,true,"Heartbeat",{}]', id="C12-id-true"),
        pytest.param(f'[2,"{"1" * 300}","Heartbeat",{{}}]', id="C15-id-too-long"),
        pytest.param('[2,"1","MeterValues",{"a":NaN}]', id="C29-nan"),
        pytest.param('[2,"1","MeterValues",{"a":Infinity}]', id="C29-infinity"),
        pytest.param(f'[2,"1","X",{{"a":{"9" * 5000}.5e400}}]', id="C31-long-number"),
        pytest.param("[" * 100_000, id="C33-deep-lists"),
        pytest.param('{"a":' * 40_000, id="C33-deep-objects"),
        pytest.param('[2,"1","Heartbeat",{}]xx', id="C36-trailing-text"),
        pytest.param('[2,"1","Heartbeat",{}][2,"2","Heartbeat",{}]', id="C36-two-frames"),
        pytest.param('[[2,"1","Heartbeat",{}]]', id="C36-batch"),
        pytest.param('[2,"1","Heartbeat",{"a":"\\x41"}]', id="C38-bad-escape"),
        pytest.param('[2,"1","Heartbeat",{"a":01}]', id="C41-leading-zero"),
        pytest.param('[2,"1","Heartbeat",{},]', id="C41-trailing-comma"),
        pytest.param("[2,'1','Heartbeat',{}]", id="C41-single-quotes"),
        pytest.param(b'[2,"1","Heartbeat",{}]', id="B11-binary"),
        pytest.param('[3,"nobody",{}]', id="C44-result-for-nobody"),
        pytest.param('[4,"nobody"]', id="C48-error-for-nobody"),
    ],
)
async def test_what_cannot_be_answered_is_ignored(
    central: Bench, charger: RawCharger, frame: str | bytes
) -> None:
    replies = len([frame for frame in charger.frames if frame[0] != 2])

    await charger.send(frame)

    assert await charger.alive()
    assert len([frame for frame in charger.frames if frame[0] != 2]) == replies + 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param('[2,"1"]', "FormationViolation", id="C05-two-elements"),
        pytest.param('[2,"1","Heartbeat"]', "FormationViolation", id="C05-three-elements"),
        pytest.param('[2,"1","Heartbeat",{},{}]', "FormationViolation", id="C06-five-elements"),
        pytest.param('[2,"1",5,{}]', "FormationViolation", id="C20-action-number"),
        pytest.param('[2,"1",["a"],{}]', "FormationViolation", id="C21-action-list"),
        pytest.param('[2,"1",{},{}]', "FormationViolation", id="C21-action-object"),
        pytest.param('[2,"1","Foo",{}]', "NotImplemented", id="C22-unknown-action"),
        pytest.param('[2,"1","heartbeat",{}]', "NotImplemented", id="C23-action-case"),
        pytest.param('[2,"1","__class__",{}]', "NotImplemented", id="C24-python-name"),
        pytest.param(f'[2,"1","{"a" * 100_000}",{{}}]', "NotImplemented", id="C24-long-action"),
        pytest.param(
            '[2,"1","RemoteStartTransaction",{"idTag":"a"}]', "NotSupported", id="C25-direction"
        ),
        pytest.param('[2,"1","TransactionEvent",{}]', "NotImplemented", id="C26-other-version"),
        pytest.param('[2,"1","Heartbeat","x"]', "FormationViolation", id="C28-payload-text"),
        pytest.param('[2,"1","Heartbeat",[1]]', "FormationViolation", id="C28-payload-list"),
        pytest.param('[2,"1","Heartbeat",1]', "FormationViolation", id="C28-payload-number"),
        pytest.param(
            '[2,"1","StatusNotification",{"connectorId":1e20}]',
            "PropertyConstraintViolation",
            id="C32-out-of-range",
        ),
        pytest.param(DEEP, "FormationViolation", id="C34-deep"),
        pytest.param(TWO_TRANSACTIONS, "FormationViolation", id="C35-two-transactions"),
        pytest.param(
            '[2,"1","Heartbeat",{"a":"\\ud800"}]', "FormationViolation", id="C39-lone-surrogate"
        ),
        pytest.param(MANY_OBJECTS, "FormationViolation", id="C42-many-objects"),
        pytest.param(
            '[2,"1","StatusNotification",{"connectorId":true}]',
            "TypeConstraintViolation",
            id="D05-true",
        ),
        pytest.param(
            '[2,"1","StatusNotification",{"connectorId":1.5}]',
            "TypeConstraintViolation",
            id="D05-fraction",
        ),
        pytest.param('[2,"1","StatusNotification",{}]', "ProtocolError", id="missing-field"),
        pytest.param('[2,"1","StartTransaction",{"idTag":"A"}]', "ProtocolError", id="start"),
        pytest.param('[2,"1","StopTransaction",{}]', "ProtocolError", id="stop"),
    ],
)
async def test_what_cannot_be_served_gets_the_right_error(
    charger: RawCharger, frame: str, code: str
) -> None:
    await charger.send(frame)

    assert await charger.result("1") == code
    assert await charger.alive()


@pytest.mark.parametrize(
    ("frame", "message_id"),
    [
        pytest.param('[2,1,"Heartbeat",{}]', 1, id="C11-id-number"),
        pytest.param('[2,"","Heartbeat",{}]', "", id="C13-id-empty"),
        pytest.param(f'[2,"{"i" * 255}","Heartbeat",{{}}]', "i" * 255, id="C14-id-long"),
        pytest.param('[2,"\\"\\u0000\\n☃","Heartbeat",{}]', '"\0\n☃', id="C16-id-odd"),
        pytest.param('[2.0,"1","Heartbeat",{}]', "1", id="C08-type-2.0"),
        pytest.param('[2,"1","Heartbeat",null]', "1", id="C27-payload-null"),
        pytest.param('[2,"1","Heartbeat",[]]', "1", id="C28-payload-empty-list"),
        pytest.param('\ufeff[2,"1","Heartbeat",{}]', "1", id="C37-byte-order-mark"),
        pytest.param('  [2, "1", "Heartbeat", {}]\n', "1", id="C37-blanks"),
        pytest.param('[2,"1","Heartbeat",{"extra":1}]', "1", id="D02-extra-field"),
    ],
)
async def test_what_can_be_understood_is_served(
    charger: RawCharger, frame: str, message_id: object
) -> None:
    await charger.send(frame)

    assert "currentTime" in await charger.result(message_id)


async def test_a_message_that_breaks_the_schema_is_served_and_counted(
    central: Bench, charger: RawCharger
) -> None:
    reply = await charger.call("StatusNotification", {"connectorId": "1", "status": "Available"})

    assert reply == {}
    assert central.stations["CP1"].violations == 1
    assert central.stations["CP1"].last_violation is not None


async def test_a_thousand_samples_are_served(charger: RawCharger) -> None:
    samples = [{"value": "1"}] * 6000
    payload = {"connectorId": 1, "meterValue": [{"sampledValue": samples}]}

    assert await charger.call("MeterValues", payload) == {}


async def test_a_burst_of_calls_is_answered_in_order(charger: RawCharger) -> None:
    start = len(charger.frames)

    for number in range(1000):
        await charger.send(json.dumps([2, f"burst-{number}", "Heartbeat", {}]))
    await charger.result("burst-999")

    replies = [frame[1] for frame in charger.frames[start:] if frame[0] == 3]
    assert replies == [f"burst-{number}" for number in range(1000)]


async def test_a_call_sent_again_gets_the_same_answer_and_has_one_effect(
    central: Bench, charger: RawCharger
) -> None:
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}

    first = await charger.call("StartTransaction", start, "same-id")
    second = await charger.call("StartTransaction", start, "same-id")

    assert second == first
    assert len(central.transactions.open_transactions) == 1


async def test_a_message_id_used_again_for_something_else_is_served(charger: RawCharger) -> None:
    await charger.call("Authorize", {"idTag": "A"}, "same-id")

    assert "status" in await charger.call("DataTransfer", {"vendorId": "x"}, "same-id")


async def test_too_many_unreadable_frames_close_the_connection(charger: RawCharger) -> None:
    for _ in range(40):
        await charger.send("hello")

    assert await charger.closed() == 1008


async def test_a_charger_that_keeps_sending_binary_frames_is_closed(charger: RawCharger) -> None:
    for _ in range(3):
        await charger.send(b"[]")

    assert await charger.closed() == 1003


async def test_a_message_that_is_too_long_closes_the_connection(charger: RawCharger) -> None:
    await charger.send("x" * 300 * 1024)

    assert await charger.closed() == 1009


async def test_another_charger_does_not_notice(central: Bench, dial: Dial) -> None:
    central.set_known(["CP1", "CP2"])
    bad, good = await dial("CP1"), await dial("CP2")

    for _ in range(40):
        await bad.send("hello")
    await bad.closed()

    assert await good.alive()
    await wait_until(lambda: not central.stations["CP1"].connected)
    assert central.stations["CP2"].connected
