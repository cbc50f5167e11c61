"""The corpus of bad inputs from the other side: a back office that sends what it must not.

Whatever comes, the charger gets nothing but good calls, is served on, and the link is there again.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from custom_components.balanz.csms import frame_watch, station
from tests.corpus.rows import FramesRow, Refused, Served
from tests.corpus.rpc_frames import FRAMES
from tests.corpus.websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

from .. import client
from ..client import RawCharger, check_result, wait_until
from .aftermath import goes_on
from .back_office import BackOffice
from .conftest import Between
from .test_forwarding import START, stop

HEARTBEAT = b'[2,"1","Heartbeat",{}]'
HALF = b"x" * 200 * 1024
WEBSOCKET_FRAMES = {
    "B01 300 KiB of text": frame(TEXT, b"x" * 300 * 1024, masked=False),
    "B02 a length of 2^62": frame(TEXT, b"x", length=2**62, masked=False),
    "B02 a length of 2^63": frame(TEXT, b"x", length=2**63, masked=False),
    "B03 two halves that are too much together": (
        frame(TEXT, HALF, fin=False, masked=False) + frame(CONTINUATION, HALF, masked=False)
    ),
    "B04 ten thousand empty fragments": (
        frame(TEXT, b"[", fin=False, masked=False)
        + frame(CONTINUATION, fin=False, masked=False) * 10_000
    ),
    "B05 a message that does not end": frame(TEXT, b"[", fin=False, masked=False),
    "B07 compression that was not agreed on": frame(TEXT, b"hello", rsv=4, masked=False),
    "B08 a reserved bit": frame(TEXT, HEARTBEAT, rsv=1, masked=False),
    "B09 a mask": frame(TEXT, HEARTBEAT),
    "B10 no UTF-8": frame(TEXT, b"\xff\xfe", masked=False),
    "B11 three calls as binary": frame(BINARY, HEARTBEAT, masked=False) * 3,
    "B12 a reserved opcode": frame(0x3, HEARTBEAT, masked=False),
    "B13 a ping of 126 bytes": frame(PING, bytes(126), masked=False),
    "B14 the end of what never began": frame(CONTINUATION, HEARTBEAT, masked=False),
    "B15 a close of one byte": frame(CLOSE, b"\x03", masked=False),
    "B16 a thousand pings": frame(PING, masked=False) * 1000,
    "B17 a pong that nobody asked for": frame(PONG, b"x", masked=False),
    "B21 half a frame": frame(TEXT, HEARTBEAT, masked=False)[:9],
}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
METER = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2026-11-21T10:30:00Z", "sampledValue": [{"value": "1"}]}],
}
SAID = {
    "Authorize": {"idTag": "TAG"},
    "BootNotification": client.BOOT,
    "DataTransfer": {"vendorId": "x"},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "Heartbeat": {},
    "MeterValues": METER,
    "SecurityEventNotification": {"type": "x", "timestamp": "2026-11-21T10:30:00Z"},
    "SignCertificate": {"csr": "x"},
    "StartTransaction": START,
    "StatusNotification": STATUS,
}
BAD_ANSWERS = (
    "{}",
    "[]",
    "null",
    "7",
    '"x"',
    '{"status":"Maybe"}',
    '{"status":7,"extra":[1]}',
    '{"status":"Accepted","currentTime":"yesterday","interval":-1}',
    '{"status":"Accepted","currentTime":"2026-01-01T00:00:00Z","interval":1000000000}',
    '{"currentTime":null}',
    '{"idTagInfo":{"status":"Invalid"}}',
    '{"idTagInfo":{"status":"Accepted","expiryDate":"never","parentIdTag":7}}',
    '{"transactionId":0,"idTagInfo":{"status":"Accepted"}}',
    '{"transactionId":-1,"idTagInfo":{"status":"Accepted"}}',
    '{"transactionId":99999999999999,"idTagInfo":{"status":"Accepted"}}',
    '{"transactionId":true,"idTagInfo":null}',
    '{"transactionId":NaN}',
    '{"a":' * 100 + "1" + "}" * 100,
)
BAD_CALLS: dict[str, tuple[Any, ...]] = {
    "CancelReservation": ({"reservationId": "x"},),
    "ChangeAvailability": ({"connectorId": 2**31, "type": "Operative"}, {"connectorId": 1e300}),
    "ChangeConfiguration": ({"key": 7, "value": None}, {"key": "x" * 51, "value": "1"}),
    "ClearChargingProfile": ({"id": "x"}, {"chargingProfilePurpose": "All"}),
    "GetCompositeSchedule": ({"connectorId": 1}, {"connectorId": 1, "duration": "long"}),
    "GetConfiguration": ({"key": "x"}, {"key": [7]}),
    "GetDiagnostics": ({"location": 7},),
    "RemoteStartTransaction": ({"idTag": ["x"]}, {"idTag": "T", "chargingProfile": {}}),
    "RemoteStopTransaction": ({"transactionId": "x"}, {"transactionId": 1e300}, {}),
    "ReserveNow": ({"connectorId": 1},),
    "Reset": ({}, {"type": "Explosive"}, {"type": "Soft", "extra": 1}),
    "SendLocalList": ({"listVersion": -1}, {"listVersion": 1, "updateType": "Half"}),
    "SetChargingProfile": (
        {"connectorId": 1},
        {"connectorId": 1, "csChargingProfiles": {"chargingSchedule": []}},
        {"connectorId": 1, "csChargingProfiles": {"chargingSchedule": {"minChargingRate": -1}}},
    ),
    "TriggerMessage": ({"requestedMessage": "Everything"},),
    "UnlockConnector": ({"connectorId": "one"},),
    "UpdateFirmware": ({"location": "x"},),
}


@pytest.fixture(autouse=True)
def no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    errors = [it for it in caplog.records if it.levelno >= logging.ERROR]
    # The back office of the tests tells loudly of what it refuses.
    assert [it.getMessage() for it in errors if not it.name.startswith("ocpp")] == []


@pytest.fixture(autouse=True)
def leaves_the_line_to_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_nothing(*_: object, **__: object) -> None:
        """Let all calls that the charger gets be the back office's."""

    monkeypatch.setattr(station, "interview", ask_nothing)
    monkeypatch.setattr(frame_watch, "FRAGMENTS_TIMEOUT_S", 0.5)


def name(row: FramesRow) -> str:
    return f"{row.id} {row.case[:50]}"


def is_sound(row: FramesRow) -> bool:
    """Return whether it is a call in which nothing is wrong but its action, if that is."""
    return isinstance(row.then, Served) or (
        isinstance(row.then, Refused) and row.then.code in ("NotImplemented", "NotSupported")
    )


@pytest.mark.parametrize("row", FRAMES, ids=name)
async def test_a_bad_frame_reaches_no_charger(
    connected: RawCharger,
    office: BackOffice,
    between: Between,
    row: FramesRow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def takes_all(_action: str, _payload: object) -> None:
        """Be a charger that does not mind calls that nobody knows."""

    if is_sound(row):
        monkeypatch.setattr(client, "check_call", takes_all)
    before = len(connected.calls)
    line = office.lines["CP1"]

    for text in row.sent * row.times:
        if line.socket.state.name == "OPEN":
            await line.socket.send(text)

    await goes_on(connected, office, between)
    if not is_sound(row):
        assert [action for action, _ in connected.calls[before:]] == ["Reset"]


@pytest.mark.parametrize("case", WEBSOCKET_FRAMES)
async def test_bad_bytes_cost_the_link_and_nothing_else(
    connected: RawCharger, office: BackOffice, between: Between, case: str
) -> None:
    line = office.lines["CP1"]

    line.socket.transport.write(WEBSOCKET_FRAMES[case])

    if case.startswith("B21"):
        line.socket.transport.abort()
    if not case.startswith("B17"):
        await wait_until(lambda: office.lines["CP1"] is not line)
    await goes_on(connected, office, between)


@pytest.mark.parametrize("answer", BAD_ANSWERS, ids=range(len(BAD_ANSWERS)))
async def test_a_bad_answer_becomes_a_good_one(
    connected: RawCharger, office: BackOffice, between: Between, answer: str
) -> None:
    for action, payload in SAID.items():
        office.raw = {action: answer}
        told = await connected.call(action, payload)
        assert connected.results[f"charger-{len(connected.results)}"][0] == 3, action
        await check_result(action, told)
        if action == "StartTransaction":
            assert told["transactionId"] > 0
            await connected.call("StopTransaction", stop(told["transactionId"]))
    office.raw = {}

    await goes_on(connected, office, between)


@pytest.mark.parametrize("action", BAD_CALLS)
async def test_a_bad_call_is_refused_with_a_code(
    connected: RawCharger, office: BackOffice, between: Between, action: str
) -> None:
    for payload in BAD_CALLS[action]:
        told = await office.ask(action, payload)
        assert isinstance(told, str) or told == {"status": "Rejected"}, told

    assert connected.received(action) == []
    await goes_on(connected, office, between)


async def test_unknown_actions_without_end_are_as_many_as_the_charger_can_take(
    connected: RawCharger,
    office: BackOffice,
    between: Between,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def takes_all(_action: str, _payload: object) -> None:
        """Be a charger that does not mind calls that nobody knows."""

    monkeypatch.setattr(client, "check_call", takes_all)
    line = office.lines["CP1"]

    for number in range(2000):
        await line.socket.send(json.dumps([2, f"u{number}", f"Unknown{number}", {}]))
    assert await connected.alive()

    await wait_until(lambda: not between.central.stations["CP1"].busy)
    await goes_on(connected, office, between)
