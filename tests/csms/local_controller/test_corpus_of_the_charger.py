"""The corpus of bad inputs at a charger that has a back office too.

What is refused without a back office is refused with one, and does not reach it; what is served is
served by both; and nothing that a charger says or answers is in the way of what comes next.
"""

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from custom_components.balanz.csms import station
from custom_components.balanz.csms.validation import Direction, check
from tests.corpus.payloads import PAYLOADS
from tests.corpus.rows import AnswerRow, Closed, FramesRow, Ignored, MessageRow, Refused, Served
from tests.corpus.rpc_frames import ANSWERS, FRAMES
from tests.corpus.test_corpus import ACTIONS, filled_in

from ..client import RawCharger, check_result, wait_until
from ..conftest import Dial
from .aftermath import goes_on
from .back_office import BackOffice
from .conftest import Between

SCENE: Any = SimpleNamespace(their_transaction=99)
ASKED: dict[str, dict[str, Any]] = {
    "GetCompositeSchedule": {"connectorId": 1, "duration": 60},
    "GetConfiguration": {},
    "SetChargingProfile": {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}],
            },
        },
    },
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
}
"""What the back office asks, by its action."""
MANY = 200
"""So much of a flood is enough here, where each message is told on and waited for."""


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


def name(row: FramesRow | MessageRow | AnswerRow) -> str:
    return f"{row.id} {row.case[:50]}"


@pytest.mark.parametrize("row", FRAMES, ids=name)
async def test_frames(
    connected: RawCharger, office: BackOffice, between: Between, dial: Dial, row: FramesRow
) -> None:
    heard, replies = len(office.received), len(connected.results)

    for text in row.sent * row.times:
        await connected.send(text)

    match row.then:
        case Closed():
            await wait_until(lambda: not between.central.stations["CP1"].connected)
            connected = await dial()
        case Refused(id=message_id, code=code):
            told = await connected.result(message_id)
            # Of what it does not know the back office is asked.
            is_unknown = code in ("NotImplemented", "NotSupported")
            assert told == code or (is_unknown and told in ("NotImplemented", "NotSupported"))
        case Served(id=message_id):
            await connected.result(message_id)
            assert connected.results[message_id][0] == 3
    if isinstance(row.then, Ignored):
        assert await connected.alive()
        assert len(connected.results) == replies + 1
    told_on = {action for action, _ in office.received[heard:]}
    if isinstance(row.then, Ignored | Closed) or (
        isinstance(row.then, Refused) and row.then.code == "FormationViolation"
    ):
        assert told_on <= {"Heartbeat"}
    await goes_on(connected, office, between)


@pytest.mark.parametrize("row", [it for it in PAYLOADS if not it.pending], ids=name)
async def test_messages(between: Between, office: BackOffice, dial: Dial, row: MessageRow) -> None:
    controller = between.pass_on()
    charger = await dial()
    await wait_until(lambda: controller.connected)
    if row.boots:
        await charger.boot()
    ours = 0
    for action, payload in row.before:
        answer = await charger.call(action, filled_in(payload, ours, SCENE))
        ours = answer.get("transactionId", ours)
    heard = len(office.received)

    for number in range(min(row.times, MANY)):
        payload = filled_in(row.payload, ours, SCENE, str(number + 1))
        await charger.call(row.action, payload, "1")

    kind, _, told, *_ = charger.results["1"]
    if isinstance(row.then, Served) and kind == 3:
        await check_result(row.action, told)
    elif isinstance(row.then, Served):
        # It was told on to the letter, to a back office that is stricter, or knows less.
        is_sound = check(row.action, Direction.REQUEST, payload) is None
        assert told == "NotImplemented" or (not is_sound and told.endswith(("Error", "Violation")))
        assert office.received[-1][0] == row.action
    else:
        assert isinstance(row.then, Refused)
        assert told == row.then.code
        assert office.received[heard:] == []
    await goes_on(charger, office, between)
    if check(row.action, Direction.REQUEST, payload) is None:
        assert controller.parked == 0


@pytest.mark.parametrize("row", ANSWERS, ids=name)
async def test_answers(
    connected: RawCharger, office: BackOffice, between: Between, row: AnswerRow
) -> None:
    action = ACTIONS[row.ask]
    connected.answers[action] = row.reply

    told = await office.ask(action, ASKED[action])

    assert isinstance(told, dict | str)
    connected.answers[action] = {"status": "Accepted"}
    if row.reply is None:
        await connected.send(f'[3,"{connected.held[0]}",{{"status":"Accepted"}}]')
    await goes_on(connected, office, between)
