"""A connection over a socket that can be made to misbehave in ways a real one seldom does."""

import asyncio
import json
import logging
from typing import Any

import pytest

from custom_components.balanz.csms import rpc as module
from custom_components.balanz.csms import websocket
from custom_components.balanz.csms.message_rate import MessageRate
from custom_components.balanz.csms.outbox import LineQueue
from custom_components.balanz.csms.rpc import MAX_CALLS_WAITING, RpcConnection
from custom_components.balanz.csms.rpc_errors import (
    CallFailed,
    CallTimeout,
    ConnectionLost,
    InvalidCall,
    LineBusy,
    MalformedAnswer,
    WithholdAnswer,
)

from .client import wait_until

CHANGE = ("TriggerMessage", {"requestedMessage": "Heartbeat"})


class Wire:
    """A socket in memory."""

    def __init__(self) -> None:
        self.inbound: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.sent: list[Any] = []
        self.stuck = False
        self.aborted = False
        self._dropped = asyncio.Event()
        self.close_code: int | None = None

    async def recv(self) -> str | bytes:
        message = await self.inbound.get()
        if message is None:
            raise ConnectionLost(sent=True)
        return message

    async def send(self, message: str) -> None:
        if self.stuck:
            await self._dropped.wait()
            raise ConnectionLost(sent=True)
        self.sent.append(json.loads(message))

    async def close(self, code: int, reason: str) -> None:
        self.close_code = code

    def abort(self) -> None:
        self.aborted = True
        self._dropped.set()
        self.inbound.put_nowait(None)


class Listener:
    """A peer that accepts everything, once it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.answer: dict[str, Any] = {}
        self.handled: list[str] = []
        self.withheld = 0
        self.late: list[str] = []
        self.freed = 0
        self.is_closed = False
        self.odd: list[str] = []

    async def handle(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.handled.append(action)
        await self.may_answer.wait()
        if self.withheld:
            self.withheld -= 1
            raise WithholdAnswer
        return self.answer

    def answered(self, action: str) -> None:
        """Nothing to do."""

    def line_freed(self) -> None:
        self.freed += 1

    def late_result(self, action: str) -> None:
        self.late.append(action)

    def odd_frame(self, text: str) -> None:
        self.odd.append(text)

    def closed(self) -> None:
        self.is_closed = True


class Bench:
    """A running connection between the two."""

    def __init__(self, *, call_timeout_s: float = 5.0, rate: MessageRate | None = None) -> None:
        self.wire = Wire()
        self.peer = Listener()
        self.rpc = RpcConnection(self.wire, name="CP1", call_timeout_s=call_timeout_s, rate=rate)
        self.rpc.peer = self.peer
        self.running = asyncio.create_task(self.rpc.run())

    def receive(self, *frame: object) -> None:
        self.wire.inbound.put_nowait(json.dumps(frame))

    async def replied(self, message_id: str) -> None:
        """Wait until the newest frame is the reply to this call."""
        await wait_until(lambda: self.wire.sent and self.wire.sent[-1][1] == message_id)

    async def end(self) -> None:
        self.wire.inbound.put_nowait(None)
        await self.running


async def failure_of(call: Any) -> CallFailed:
    with pytest.raises(CallFailed) as failure:
        await call
    return failure.value


async def test_a_call_sent_again_while_it_is_worked_on_has_one_effect_and_one_reply() -> None:
    bench = Bench()
    bench.peer.may_answer.clear()
    for _ in range(3):
        bench.receive(2, "1", "MeterValues", {})
    await wait_until(lambda: bench.peer.handled)

    bench.peer.may_answer.set()
    bench.receive(2, "2", "Heartbeat", {})
    await wait_until(lambda: len(bench.wire.sent) == 2)

    assert bench.peer.handled == ["MeterValues", "Heartbeat"]
    await bench.end()


async def test_a_result_is_read_while_a_handler_waits() -> None:
    bench = Bench()
    bench.peer.may_answer.clear()
    bench.receive(2, "1", "StartTransaction", {})
    await wait_until(lambda: bench.peer.handled)

    call = asyncio.create_task(bench.rpc.call(*CHANGE))
    await wait_until(lambda: bench.wire.sent)
    bench.receive(3, bench.wire.sent[0][1], {"status": "Accepted"})

    assert await call == {"status": "Accepted"}
    await bench.end()


async def test_calls_are_answered_in_their_order_though_the_first_has_to_wait() -> None:
    bench = Bench()
    bench.peer.may_answer.clear()
    for number in range(3):
        bench.receive(2, f"{number}", "MeterValues", {})
    await wait_until(bench.wire.inbound.empty)
    assert bench.peer.handled == ["MeterValues"]

    bench.peer.may_answer.set()
    await bench.replied("2")

    assert [frame[1] for frame in bench.wire.sent] == ["0", "1", "2"]
    await bench.end()


async def test_what_has_no_room_stays_in_the_socket_and_is_answered_in_its_order() -> None:
    crowd = 2 * MAX_CALLS_WAITING
    bench = Bench()
    bench.peer.may_answer.clear()
    for number in range(crowd):
        bench.receive(2, f"{number}", "MeterValues", {"transactionId": number})
    await wait_until(lambda: bench.wire.inbound.qsize() <= crowd - MAX_CALLS_WAITING)
    await asyncio.sleep(0.01)
    # One is being answered, so many wait, and one has been read that has no room.
    assert bench.wire.inbound.qsize() == crowd - MAX_CALLS_WAITING - 2

    bench.peer.may_answer.set()
    await bench.replied(f"{crowd - 1}")

    assert [frame[1] for frame in bench.wire.sent] == [f"{number}" for number in range(crowd)]
    await bench.end()


async def test_a_peer_that_leaves_while_its_calls_wait_is_gone_at_once() -> None:
    bench = Bench()
    bench.peer.may_answer.clear()
    for number in range(MAX_CALLS_WAITING + 10):
        bench.receive(2, f"{number}", "MeterValues", {"transactionId": number})
    await wait_until(lambda: bench.peer.handled)

    bench.rpc.stop(1000, "replaced")
    await bench.running

    assert bench.peer.is_closed
    assert bench.wire.close_code == 1000
    assert bench.peer.handled == ["MeterValues"]


async def test_a_call_that_needs_no_waiting_is_answered_before_anything_else_is_read() -> None:
    bench = Bench()
    left: list[int] = []
    send = bench.wire.send

    async def count_and_send(message: str) -> None:
        left.append(bench.wire.inbound.qsize())
        await send(message)

    bench.wire.send = count_and_send  # type: ignore[method-assign]
    for number in range(3):
        bench.receive(2, f"{number}", "MeterValues", {})
    await bench.replied("2")

    assert left == [2, 1, 0]
    await bench.end()


async def test_a_withheld_answer_is_given_when_the_call_comes_again() -> None:
    bench = Bench()
    bench.peer.withheld = 1
    bench.receive(2, "1", "MeterValues", {})
    await wait_until(lambda: bench.peer.handled)
    bench.receive(2, "1", "MeterValues", {})
    await wait_until(lambda: bench.wire.sent)

    assert bench.wire.sent == [[3, "1", {}]]
    assert len(bench.peer.handled) == 2
    await bench.end()


async def test_an_answer_that_breaks_the_schema_never_leaves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.peer.answer = {"wrong": 1}
    bench.receive(2, "1", "MeterValues", {})
    await wait_until(lambda: bench.wire.sent)

    assert bench.wire.sent == [[4, "1", "InternalError", "", {}]]
    assert "cannot handle MeterValues" in caplog.text
    await bench.end()


async def test_a_call_that_breaks_the_schema_never_leaves() -> None:
    bench = Bench()

    failure = await failure_of(bench.rpc.call("Reset", {"type": "Gentle"}))

    assert isinstance(failure, InvalidCall)
    assert not failure.sent
    assert "type breaks enum" in str(failure)
    await bench.end()


async def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REMEMBERED", 1)
    bench = Bench(call_timeout_s=0.01)
    for message_id in ("1", "2", "1"):
        bench.receive(2, message_id, "DiagnosticsStatusNotification", {})
        await bench.replied(message_id)
    for _ in range(2):
        assert isinstance(await failure_of(bench.rpc.call(*CHANGE)), CallTimeout)
    ours = [frame[1] for frame in bench.wire.sent if frame[0] == 2]

    for message_id in ours:
        bench.receive(3, message_id, {"status": "Accepted"})
    await wait_until(lambda: bench.peer.late)
    await bench.end()

    assert len(bench.peer.handled) == 3
    assert bench.peer.late == ["TriggerMessage"]


async def test_a_peer_that_takes_its_time_is_given_more_of_it() -> None:
    bench = Bench(call_timeout_s=0.2)
    assert isinstance(await failure_of(bench.rpc.call(*CHANGE)), CallTimeout)
    await asyncio.sleep(0.2)
    bench.receive(3, bench.wire.sent[-1][1], {"status": "Accepted"})
    await wait_until(lambda: bench.peer.late)

    call = asyncio.create_task(bench.rpc.call(*CHANGE))
    await asyncio.sleep(0.4)
    bench.receive(3, bench.wire.sent[-1][1], {"status": "Accepted"})

    assert await call == {"status": "Accepted"}
    await bench.end()


async def test_no_peer_is_given_more_than_three_times_as_long_as_others() -> None:
    bench = Bench(call_timeout_s=0.1)
    assert isinstance(await failure_of(bench.rpc.call(*CHANGE)), CallTimeout)
    await asyncio.sleep(0.6)
    bench.receive(3, bench.wire.sent[-1][1], {"status": "Accepted"})
    await wait_until(lambda: bench.peer.late)

    async with asyncio.timeout(0.6):
        assert isinstance(await failure_of(bench.rpc.call(*CHANGE)), CallTimeout)
    await bench.end()


async def test_an_answer_that_is_no_frame_fails_its_call_at_once() -> None:
    bench = Bench()
    call = asyncio.create_task(bench.rpc.call(*CHANGE))
    await wait_until(lambda: bench.wire.sent)

    bench.wire.inbound.put_nowait(f'[3,"{bench.wire.sent[0][1]}",{{"status":Accepted}}]')

    assert isinstance(await failure_of(call), MalformedAnswer)
    await bench.end()


async def test_results_for_nobody_close_the_connection_in_the_end() -> None:
    bench = Bench()

    for number in range(21):
        bench.receive(3, f"nobody-{number}", {})
    await bench.running

    assert bench.wire.close_code == 1008
    assert bench.rpc.misbehaved


async def test_a_peer_that_sends_too_fast_is_read_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_TOO_FAST_S", 0.05)
    bench = Bench(rate=MessageRate(per_s=100.0, burst=10))

    for number in range(100):
        bench.receive(2, f"{number}", "MeterValues", {})
    await bench.running

    assert bench.wire.close_code == 1008
    assert 10 < len(bench.peer.handled) < 100


async def test_a_handler_may_not_wait_for_a_call_on_its_own_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()

    async def ask_back(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await bench.rpc.call(*CHANGE)

    monkeypatch.setattr(bench.peer, "handle", ask_back)
    bench.receive(2, "1", "MeterValues", {})
    await bench.replied("1")
    await bench.end()

    assert bench.wire.sent == [[4, "1", "InternalError", "", {}]]
    assert "must not wait" in caplog.text


async def test_the_fields_of_a_call_leave_in_the_order_of_the_specification() -> None:
    bench = Bench()
    period = {"limit": 6.0, "startPeriod": 0}
    schedule = {"chargingSchedulePeriod": [period], "chargingRateUnit": "A"}
    payload = {
        "csChargingProfiles": {
            "chargingSchedule": schedule,
            "chargingProfileKind": "Absolute",
            "chargingProfilePurpose": "TxDefaultProfile",
            "stackLevel": 0,
            "chargingProfileId": 1,
        },
        "connectorId": 1,
    }

    call = asyncio.create_task(bench.rpc.call("SetChargingProfile", payload))
    await wait_until(lambda: bench.wire.sent)
    await bench.end()

    assert isinstance(await failure_of(call), ConnectionLost)
    sent = bench.wire.sent[0][3]
    profile = sent["csChargingProfiles"]
    assert list(sent) == ["connectorId", "csChargingProfiles"]
    assert list(profile) == [
        "chargingProfileId",
        "stackLevel",
        "chargingProfilePurpose",
        "chargingProfileKind",
        "chargingSchedule",
    ]
    assert list(profile["chargingSchedule"]) == ["chargingRateUnit", "chargingSchedulePeriod"]
    assert list(profile["chargingSchedule"]["chargingSchedulePeriod"][0]) == [
        "startPeriod",
        "limit",
    ]


async def test_unreadable_frames_of_an_hour_ago_are_forgiven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    loop = asyncio.get_running_loop()
    for _ in range(30):
        bench.wire.inbound.put_nowait("hello")
    await wait_until(lambda: bench.rpc.unreadable_frames == 30)
    time = loop.time
    monkeypatch.setattr(loop, "time", lambda: time() + 3600)

    bench.wire.inbound.put_nowait("hello")
    await wait_until(lambda: bench.rpc.unreadable_frames == 31)
    monkeypatch.undo()
    await bench.end()

    assert bench.wire.close_code is None


async def test_a_peer_that_does_not_read_loses_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SEND_TIMEOUT_S", 0.01)
    bench = Bench()
    bench.wire.stuck = True

    failure = await failure_of(bench.rpc.call(*CHANGE))
    await bench.running

    assert isinstance(failure, ConnectionLost)
    assert failure.sent
    assert bench.wire.aborted


async def test_after_the_end_nothing_is_sent_or_started() -> None:
    bench = Bench()
    await bench.end()

    failure = await failure_of(bench.rpc.call(*CHANGE))
    bench.rpc.spawn(asyncio.sleep(0))

    assert isinstance(failure, ConnectionLost)
    assert not failure.sent
    assert bench.peer.is_closed


async def test_a_turn_that_comes_with_the_end_is_worth_nothing() -> None:
    line = LineQueue()
    await line.acquire(urgent=False, timeout_s=5)
    waiting = asyncio.create_task(line.acquire(urgent=False, timeout_s=5))
    await asyncio.sleep(0)

    line.release()
    line.fail()

    assert isinstance(await failure_of(waiting), ConnectionLost)


async def test_a_caller_that_gives_up_its_place_holds_nobody_up() -> None:
    line = LineQueue()
    await line.acquire(urgent=False, timeout_s=5)
    waiting, chosen, last = (
        asyncio.create_task(line.acquire(urgent=False, timeout_s=5)) for _ in range(3)
    )
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.sleep(0)
    line.release()
    chosen.cancel()

    await last
    assert waiting.cancelled()
    assert chosen.cancelled()
    line.release()
    assert not line.busy


async def test_the_line_has_room_for_so_many_only() -> None:
    bench = Bench()
    calls = [asyncio.create_task(bench.rpc.call(*CHANGE)) for _ in range(40)]
    await wait_until(lambda: any(call.done() for call in calls))
    await bench.end()

    failures = [await failure_of(call) for call in calls]
    assert sum(isinstance(failure, LineBusy) for failure in failures) == 7
    assert sum(failure.sent for failure in failures) == 1


async def test_work_that_fails_is_logged_and_ends_with_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("a fault")

    bench = Bench()
    bench.rpc.spawn(fail())
    await asyncio.sleep(0)

    await bench.end()

    assert "a task of the connection failed" in caplog.text


async def test_bad_handshakes_of_strangers_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = websocket.quiet_logger("test.websockets")

    logger.error("opening handshake failed")
    logger.error("something else")
    logger.info("connection open")

    assert [record.getMessage() for record in caplog.records if record.name == logger.name] == [
        "something else"
    ]
    assert logger.level == logging.WARNING
