"""Each row of the corpus on real sockets: what must come back does, and nobody else notices."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms.command_values import MessageTrigger
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.station import Station, StationError
from tests.csms.client import RawCharger, check_result, wait_until

from .conftest import SetScene
from .handshakes import HANDSHAKES, request
from .not_yet import NOT_YET
from .payloads import OURS, PAYLOADS, THEIRS
from .rows import (
    AnswerRow,
    BytesRow,
    Closed,
    FramesRow,
    HttpStatus,
    HungUp,
    Ignored,
    MessageRow,
    Outcome,
    Refused,
    Row,
    Served,
    Upgraded,
)
from .rpc_frames import ANSWERS, FRAMES
from .scene import Scene
from .table import ALL_IDS, DRIVEN, summary
from .upstream import UPSTREAM
from .websocket_frames import TEXT, WEBSOCKET_FRAMES, frame
from .wire import Wire

ACTIONS = {
    "trigger": "TriggerMessage",
    "limit": "SetChargingProfile",
    "schedule": "GetCompositeSchedule",
    "settings": "GetConfiguration",
}


def name(row: Row) -> str:
    """Return what pytest calls a row."""
    return f"{row.id} {row.case[:50]}"


@pytest.fixture(autouse=True)
def no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Any:
    yield
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [error.getMessage() for error in errors] == []


def test_each_row_is_driven_or_waits_for_something() -> None:
    assert DRIVEN | NOT_YET.keys() == ALL_IDS
    assert not DRIVEN & NOT_YET.keys()
    print("\n".join(summary()))


@pytest.mark.parametrize("where", sorted({it for tests in UPSTREAM.values() for it in tests}))
def test_what_is_driven_elsewhere_is_there(where: str) -> None:
    file, _, test = where.partition("::")

    assert f"async def {test}(" in (Path(__file__).parents[2] / file).read_text()


@pytest.mark.parametrize("row", [*HANDSHAKES, *WEBSOCKET_FRAMES], ids=name)
async def test_bytes(set_scene: SetScene, row: BytesRow) -> None:
    scene = await set_scene(row.settings)
    wires = []
    for _ in range(row.times):
        wire = await Wire.open(scene.central.port, takes_little=not row.reads)
        wires.append(wire)
        if row.upgraded:
            await wire.send(request())
            assert await wire.status() == 101
        if not row.reads:
            scene.narrow()
        if isinstance(row.then, Upgraded):
            await wire.send(*row.sent)
            assert await wire.status() == 101
    await came_of(row, wires[-1], scene)

    for wire in wires:
        await wire.close()
    assert scene.is_unchanged
    await scene.goes_on()


async def came_of(row: BytesRow, wire: Wire, scene: Scene) -> None:
    """Send what is bad; fail unless the right thing comes of it."""
    sending = asyncio.create_task(wire.send(*row.sent))
    match row.then:
        case HttpStatus(code=code):
            assert await wire.status() == code
        case Closed(codes=codes):
            assert await wire.message() in codes
        case HungUp() if row.resets:
            await sending
            wire.reset()
            await scene.gone()
        case HungUp() if not row.reads:
            await scene.gone()
        case HungUp():
            assert await (wire.message() if row.upgraded else wire.status()) is None
        case Ignored():
            await sending
            await wire.send(frame(TEXT, b'[2,"after","Heartbeat",{}]'))
            assert b'[3,"after",' in str(await wire.message()).encode()
        case Served():
            message = await wire.message()
            assert isinstance(message, bytes)
            kind, _, payload = json.loads(message)
            assert kind == 3
            assert payload.keys() == row.then.has.keys()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


@pytest.mark.parametrize("row", FRAMES, ids=name)
@pytest.mark.usefixtures("no_interview")
async def test_frames(set_scene: SetScene, row: FramesRow) -> None:
    scene = await set_scene(row.settings)
    charger = await scene.dial()
    await charger.boot()
    scene.note()
    replies = len(charger.frames)

    for text in row.sent * row.times:
        await charger.send(text)

    if isinstance(row.then, Closed):
        assert await charger.closed() in row.then.codes
    else:
        await came_back(row.then, charger)
        assert await charger.alive()
    if isinstance(row.then, Ignored):
        assert len(charger.frames) == replies + 1
    if not isinstance(row.then, Served):
        assert scene.is_unchanged
    assert scene.emitted == []
    await scene.goes_on()


async def came_back(then: Outcome, charger: RawCharger) -> None:
    """Fail unless a call gets the reply that it must."""
    if isinstance(then, Refused):
        assert await charger.result(then.id) == then.code
    if isinstance(then, Served):
        payload = await charger.result(then.id)
        assert charger.results[then.id][0] == 3
        assert contains(payload, then.has)


def contains(found: Any, wanted: Any) -> bool:
    """Return whether something has all that is wanted of it."""
    if isinstance(wanted, dict):
        return all(key in found and contains(found[key], value) for key, value in wanted.items())
    return wanted is ... or bool(found == wanted)


@pytest.mark.parametrize("row", ANSWERS, ids=name)
@pytest.mark.usefixtures("no_interview")
async def test_answers(set_scene: SetScene, row: AnswerRow) -> None:
    scene = await set_scene()
    charger = await scene.dial()
    await charger.boot()
    charger.answers[ACTIONS[row.ask]] = None
    scene.note()
    station = scene.central.stations["CP1"]

    asking = asyncio.create_task(outcome(station, row.ask))
    await wait_until(lambda: charger.held)
    if row.reply is not None:
        for text in row.reply.split("\n"):
            await charger.send(text.replace("%s", charger.held[0]))
        assert await asking == row.becomes
    else:
        assert await asking == "StationUnreachable: no answer"
        await charger.send(f'[3,"{charger.held[0]}",{{"status":"Accepted"}}]')
        await wait_until(lambda: station.late_answers == 1)

    charger.answers[ACTIONS["trigger"]] = {"status": "Accepted"}
    assert await outcome(station, "trigger") == "done"
    assert scene.is_unchanged
    await scene.goes_on()


async def outcome(station: Station, ask: str) -> str:
    """Ask a charger for something; return what came of it as text."""
    try:
        match ask:
            case "trigger":
                await station.trigger(MessageTrigger.HEARTBEAT)
            case "limit":
                limit = Limit(limit_a=6.0, fallback_a=6.0)
                return (await station.set_limit(1, limit, urgent=True)).value
            case "schedule":
                schedule = await station.composite_schedule(1, duration_s=60)
                return "nothing" if schedule is None else "a schedule"
            case "settings":
                await station.request("GetConfiguration", {})
    except StationError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


@pytest.mark.parametrize("row", PAYLOADS, ids=name)
@pytest.mark.usefixtures("no_interview")
async def test_messages(set_scene: SetScene, row: MessageRow) -> None:
    scene = await set_scene(row.settings)
    scene.central.pairing_open = row.pending
    charger = await scene.dial("CP3" if row.pending else "CP1")
    if row.boots:
        await charger.boot()
    ours = 0
    for action, payload in row.before:
        answer = await charger.call(action, filled_in(payload, ours, scene))
        ours = answer.get("transactionId", ours)
    scene.note()

    ids = [str(number) for number in range(1, row.times + 1)]
    for message_id in ids:
        payload = filled_in(row.payload, ours, scene, message_id)
        await charger.send(json.dumps([2, message_id, row.action, payload]))
    if row.times > 1:
        await flooded(charger, ids, scene)

    await came_back(filled_in_outcome(row.then, ours), charger)
    assert scene.emitted == list(row.emits)
    if isinstance(row.then, Served):
        await check_result(row.action, charger.results["1"][2])
    else:
        assert scene.is_unchanged
    assert scene.central.transactions.open_at("CP2", 1) is not None
    await scene.goes_on()


async def flooded(charger: RawCharger, ids: list[str], scene: Scene) -> None:
    """Fail unless all calls are answered in their order, and another charger meanwhile."""
    assert await scene.good.alive()
    assert ids[-1] not in charger.results
    for message_id in (*ids[::500], ids[-1]):
        await charger.result(message_id)
    assert [frame[1] for frame in charger.frames if frame[1].isdecimal()] == ids


def filled_in(value: Any, ours: int, scene: Scene, number: str = "") -> Any:
    """Return a payload with what only the test knows."""
    now = datetime.now(UTC)
    known = {
        OURS: ours,
        THEIRS: scene.their_transaction,
        "$number": number,
        "$now": now.isoformat(),
        "$in two hours": (now + timedelta(hours=2)).isoformat(),
    }
    if isinstance(value, dict):
        return {key: filled_in(item, ours, scene, number) for key, item in value.items()}
    if isinstance(value, list):
        return [filled_in(item, ours, scene, number) for item in value]
    return known.get(value, value) if isinstance(value, str) else value


def filled_in_outcome(then: Outcome, ours: int) -> Outcome:
    """Return an outcome with the id of the transaction that runs."""
    if isinstance(then, Served) and then.has.get("transactionId") == OURS:
        return Served(has=then.has | {"transactionId": ours})
    return then
