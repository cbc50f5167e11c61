"""OCPP-J over one socket: one outstanding CALL each way, and a line that survives bad frames.

Results are read while handlers work, so that a handler that waits for the disk holds up nothing but
the calls behind it.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from .frame_log import FrameLog
from .message_rate import MessageRate
from .outbox import LineQueue
from .patience import Budget
from .rpc_errors import (
    CallError,
    CallRejected,
    CallTimeout,
    ConnectionLost,
    InvalidCall,
    MalformedAnswer,
    WithholdAnswer,
)
from .rpc_frames import (
    SPECIFIED_ID_LENGTH,
    BadCall,
    Call,
    CallFailure,
    CallResult,
    ErrorCode,
    Payload,
    Unreadable,
    Verbatim,
    encode_call,
    encode_error,
    encode_result,
    parse,
)
from .turnstile import Turnstile
from .validation import Direction, check, in_order
from .write_watch import WriteWatch

_LOGGER = logging.getLogger(__name__)

CALL_TIMEOUT_S = 10.0
PATIENCE = 1.5
"""How much longer than it once needed for an answer a slow peer is waited for."""
MOST_PATIENCE = 3.0
"""How much longer than others it is waited for at most."""
SEND_TIMEOUT_S = 10.0
LINE_GRACE_S = 0.5
MAX_UNREADABLE = {60.0: 30, 3600.0: 200}
MAX_UNSOLICITED = {60.0: 20}
"""Results that nobody waits for, by the span in s."""
MAX_BINARY_FRAMES = 2
MAX_TOO_FAST_S = 300.0
HELD_S = 0.002
"""A connection that has held the event loop for so long lets the others in."""
MAX_CALLS_WAITING = 128
MAX_REMEMBERED = 32
ANSWERED_ANEW = frozenset(
    {"Authorize", "BootNotification", "Heartbeat", "MeterValues", "StatusNotification"}
)
"""Calls that mean something new each time, even if a charger uses one message id for ever."""


class Socket(Protocol):
    """What a connection needs of a WebSocket. Raises ConnectionLost once it is gone."""

    async def recv(self) -> str | bytes:
        """Return the next message."""
        ...

    async def send(self, message: str) -> None:
        """Send a text message."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close with a handshake; raises nothing."""
        ...

    def abort(self) -> None:
        """Drop the connection at once; whatever waits to be sent or read raises."""
        ...


class Peer(Protocol):
    """Who speaks through a connection."""

    async def handle(self, action: str, payload: Payload, /) -> Payload:
        """Return the answer to a call. Raises CallError to refuse, WithholdAnswer to be silent."""
        ...

    def answered(self, action: str, /) -> None:
        """Learn that the answer to a call has been sent."""
        ...

    def line_freed(self) -> None:
        """Learn that an outstanding call has ended, however."""
        ...

    def late_result(self, action: str, /) -> None:
        """Learn that a call that had timed out was answered after all."""
        ...

    def odd_frame(self, problem: str, /) -> None:
        """Learn what was wrong with a frame that is served all the same."""
        ...

    def closed(self) -> None:
        """Learn that the connection has ended."""
        ...


class RpcConnection:
    """One connection to a charging station, from its first frame to its end."""

    peer: Peer
    """Must be set before `run`; may be changed meanwhile."""

    def __init__(
        self,
        socket: Socket,
        *,
        name: str,
        call_timeout_s: float = CALL_TIMEOUT_S,
        rate: MessageRate | None = None,
        busy_beyond: int = MAX_CALLS_WAITING + 1,
        turnstile: Turnstile | None = None,
    ) -> None:
        """Speak over a socket; calls are refused while `busy_beyond` others wait to be answered.

        `turnstile` is where connections that share an event loop take turns.
        """
        self._socket = socket
        self._name = name
        self._usual_timeout_s = self._call_timeout_s = call_timeout_s
        self._lost = False
        self._stop: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._line = LineQueue()
        self._outstanding: tuple[str, asyncio.Future[Payload]] | None = None
        self._timed_out: dict[str, tuple[str, float]] = {}
        """The actions of calls that were not answered in time, and when they were sent."""
        # A list and a task while there is work: a queue and a task that waits at it for ever would
        # take five kilobytes of each charger, of which few ever have two calls at once.
        self._inbound: list[Call] = []
        """Calls that wait to be answered."""
        self._works = False
        """Whether calls are being answered."""
        self._room: asyncio.Future[None] | None = None
        """Done once one more call may wait; None while nobody asks."""
        self._busy_beyond = busy_beyond
        self._in_progress: list[str] = []
        """The texts of the calls that are not answered yet, oldest first."""
        self._answering: asyncio.Task[None] | None = None
        """Who answers a call now."""
        self._replies: dict[int, str] = {}
        """The answers that were given last, by the hashes of their calls' texts."""
        self._writes = WriteWatch(socket.abort, timeout_s=SEND_TIMEOUT_S)
        self._rate = rate or MessageRate()
        self._turnstile = turnstile or Turnstile()
        self._unreadable = Budget(MAX_UNREADABLE)
        self._unsolicited = Budget(MAX_UNSOLICITED)
        self._binary_frames = 0
        self._let_in_at = 0.0
        self.answered = False
        """Whether the peer has answered any call."""
        self.misbehaved = False
        """Whether it was closed for what the peer sent."""
        self.frames: FrameLog | None = None
        """Where its frames are kept; None where they are not."""
        self.unreadable_frames = 0
        """Frames that had to be ignored since the connection was made."""

    @property
    def busy(self) -> bool:
        """Whether a call is outstanding."""
        return self._line.busy

    @property
    def free(self) -> bool:
        """Whether a call would be sent at once."""
        return self._line.free

    def reserve_line(self) -> None:
        """Let nothing but an urgent call follow the outstanding one, for a moment."""
        self._line.reserve()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends at the latest with the connection."""
        if self._lost or self._stop.done():
            work.close()
            return
        self._keep(asyncio.get_running_loop().create_task(work))

    def _keep(self, task: asyncio.Task[None]) -> None:
        """End a task at the latest with the connection."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self, code: int, reason: str) -> None:
        """Make `run` close the socket and return."""
        if not self._stop.done():
            self._stop.set_result((code, reason))

    async def run(self) -> None:
        """Serve the socket until it is gone or `stop` is called."""
        loop = asyncio.get_running_loop()
        reader = loop.create_task(self._read())
        try:
            await asyncio.wait((reader, self._stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lost = True
            self._writes.stop()
            self.peer.closed()
            self._line.fail()
            if self._outstanding is not None and not self._outstanding[1].done():
                self._outstanding[1].set_exception(ConnectionLost(sent=True))
            ending = (reader, *self._tasks)
            for task in ending:
                task.cancel()
            for result in await asyncio.gather(*ending, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, ConnectionLost):
                    _LOGGER.error(
                        "%s: a task of the connection failed", self._name, exc_info=result
                    )
            if self._stop.done():
                await self._socket.close(*self._stop.result())

    async def call(
        self, action: str, payload: Payload, *, urgent: bool = False, message_id: str | None = None
    ) -> Payload:
        """Send a CALL and return the answer.

        A payload that was read from another peer is passed on as it is, whatever is in it.
        Urgent calls overtake those that wait for the line. The time-out counts from the sending on;
        so long does a call wait for the line at most, too. Raises InvalidCall, LineBusy,
        ConnectionLost, CallTimeout, CallRejected or MalformedAnswer.
        """
        if self._answering is not None and self._answering is asyncio.current_task():
            raise RuntimeError("a handler must not wait for a call on its own connection")
        if not isinstance(payload, Verbatim):
            violation = check(action, Direction.REQUEST, payload)
            if violation is not None:
                raise InvalidCall(f"{action}: {violation}")
            payload = in_order(action, Direction.REQUEST, payload)
        # Whoever is next must not give up in the very moment in which the line's holder does.
        await self._line.acquire(urgent=urgent, timeout_s=self._call_timeout_s + LINE_GRACE_S)
        try:
            return await self._call(action, payload, message_id or str(uuid.uuid4()))
        finally:
            self._outstanding = None
            self._line.release()
            self.peer.line_freed()

    async def _call(self, action: str, payload: Payload, message_id: str) -> Payload:
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        # The connection may be lost while the call is still being written, before anybody awaits.
        answer.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._outstanding = (message_id, answer)
        sent_at = asyncio.get_running_loop().time()
        await self._send(encode_call(message_id, action, payload))
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return await answer
        except TimeoutError:
            self._timed_out[message_id] = (action, sent_at)
            if len(self._timed_out) > MAX_REMEMBERED:
                del self._timed_out[next(iter(self._timed_out))]
            raise CallTimeout from None

    async def _send(self, text: str) -> None:
        """Write a message; a peer that does not read it in time loses the connection."""
        if self.frames is not None:
            self.frames.note(text, time.time(), received=False)
        self._writes.begin()
        try:
            await self._socket.send(text)
        finally:
            self._writes.done()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionLost):
            while True:
                # It has no name here, lest each charger's last message stay in memory.
                await self._take(await self._next_message())
                now = loop.time()
                wait_s = self._rate.take(now)
                if wait_s > 0.0:
                    if self._rate.too_fast_for_s(now) > MAX_TOO_FAST_S:
                        self._show_out(1008, "too many messages")
                    await asyncio.sleep(wait_s)
                if now - self._let_in_at > HELD_S:
                    await self._let_others_in()

    async def _next_message(self) -> str | bytes:
        message = await self._socket.recv()
        await self._turnstile.enter()
        return message

    async def _let_others_in(self) -> None:
        """Hold nobody up, however much has come at once."""
        await asyncio.sleep(0)
        self._let_in_at = asyncio.get_running_loop().time()

    def _refuse_binary(self) -> None:
        self._binary_frames += 1
        self._count_unreadable("a binary frame")
        if self._binary_frames > MAX_BINARY_FRAMES:
            self._show_out(1003, "text frames only")

    async def _take(self, message: str | bytes) -> None:
        """Do with a message what it is there for."""
        if isinstance(message, bytes):
            self._refuse_binary()
            return
        if self.frames is not None:
            self.frames.note(message, time.time(), received=True)
        match parse(message):
            case Call() as call:
                await self._take_call(call)
            case CallResult() | CallFailure() as result:
                self._settle(result)
            case BadCall(id=message_id, code=code, description=description):
                self.peer.odd_frame(description)
                await self._send(encode_error(message_id, code, description))
            case Unreadable(reason=reason):
                outstanding = self._outstanding
                if outstanding is not None and outstanding[0] in message:
                    # Whatever it was meant to be, it is what the charger has to say to the call.
                    self._settle(CallResult(id=outstanding[0], payload=None))
                self._count_unreadable(reason)

    async def _take_call(self, call: Call) -> None:
        """Answer a call at once where that needs no waiting, else after those before it."""
        if isinstance(call.id, str) and len(call.id) > SPECIFIED_ID_LENGTH:
            self.peer.odd_frame("the message id is too long")
        if call.text in self._in_progress:
            return
        if self._in_progress and len(self._inbound) >= self._busy_beyond:
            await self._send(encode_error(call.id, ErrorCode.GENERIC_ERROR, "busy"))
            return
        self._in_progress.append(call.text)
        while len(self._inbound) >= MAX_CALLS_WAITING:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        self._inbound.append(call)
        if not self._works:
            work = asyncio.Task(self._work(), loop=asyncio.get_running_loop(), eager_start=True)
            if work.done():
                work.result()
            else:
                self._keep(work)

    def _count_unreadable(self, reason: str) -> None:
        """Ignore a frame; a peer that sends too many such is shown the door."""
        _LOGGER.debug("%s: frame ignored: %s", self._name, reason)
        self.unreadable_frames += 1
        if self._unreadable.spend(asyncio.get_running_loop().time()):
            self._show_out(1008, "too many unreadable frames")

    def _show_out(self, code: int, reason: str) -> None:
        self.misbehaved = True
        self.stop(code, reason)

    def _settle(self, result: CallResult | CallFailure) -> None:
        """Give a result to the call that waits for it, or to nobody."""
        outstanding = self._outstanding
        if outstanding is not None and outstanding[0] == result.id and not outstanding[1].done():
            self.answered = True
            if isinstance(result, CallFailure):
                outstanding[1].set_exception(CallRejected(result.code, result.description))
            elif result.payload is None:
                outstanding[1].set_exception(MalformedAnswer())
            else:
                outstanding[1].set_result(result.payload)
            return
        late = self._timed_out.pop(result.id, None) if isinstance(result.id, str) else None
        if late is not None:
            action, sent_at = late
            self._be_patient(asyncio.get_running_loop().time() - sent_at)
            self.peer.late_result(action)
            return
        reason = (
            "could not read a frame of ours" if result.id == "-1" else "answers what nobody asked"
        )
        _LOGGER.debug("%s %s", self._name, reason)
        if self._unsolicited.spend(asyncio.get_running_loop().time()):
            self._show_out(1008, "too many results that nobody waits for")

    def _be_patient(self, needed_s: float) -> None:
        """Wait longer for a peer that takes its time, lest it be asked the same again and again."""
        enough_s = min(PATIENCE * needed_s, MOST_PATIENCE * self._usual_timeout_s)
        self._call_timeout_s = max(self._call_timeout_s, enough_s)

    async def _work(self) -> None:
        """Answer calls for as long as there are any."""
        loop = asyncio.get_running_loop()
        self._works = True
        try:
            with suppress(ConnectionLost):
                while self._inbound:
                    call = self._inbound.pop(0)
                    self._make_room()
                    await self._answer(call)
                    if self._inbound and loop.time() - self._let_in_at > HELD_S:
                        await self._let_others_in()
        finally:
            self._works = False

    def _make_room(self) -> None:
        """Let the next call come that could not even wait."""
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def _answer(self, call: Call) -> None:
        """Answer the call that waits longest."""
        self._answering = asyncio.current_task()
        try:
            if call.action in ANSWERED_ANEW:
                await self._answer_anew(call)
            else:
                await self._answer_once(call)
        finally:
            self._answering = None
            del self._in_progress[0]

    async def _answer_once(self, call: Call) -> None:
        """Answer a call that has no second effect if it was answered before."""
        fingerprint = hash(call.text)
        reply = self._replies.get(fingerprint)
        if reply is not None:
            await self._send(reply)
            return
        reply = await self._answer_anew(call)
        if reply is not None:
            self._replies[fingerprint] = reply
            if len(self._replies) > MAX_REMEMBERED:
                del self._replies[next(iter(self._replies))]

    async def _answer_anew(self, call: Call) -> str | None:
        """Answer a call; return the result, or None where there was none."""
        try:
            payload = await self.peer.handle(call.action, call.payload)
            if not isinstance(payload, Verbatim):
                violation = check(call.action, Direction.RESPONSE, payload)
                if violation is not None:
                    raise InvalidCall(f"answer to {call.action}: {violation}")
                payload = in_order(call.action, Direction.RESPONSE, payload)
        except CallError as error:
            await self._send(encode_error(call.id, error.code, error.description))
        except WithholdAnswer:
            _LOGGER.debug(
                "%s: %s is not answered, so that it is sent again", self._name, call.action
            )
        except Exception:
            # A fault of ours must cost the charger neither its answer nor its connection.
            _LOGGER.exception("%s: cannot handle %s", self._name, call.action)
            await self._send(encode_error(call.id, ErrorCode.INTERNAL_ERROR, ""))
        else:
            reply = encode_result(call.id, payload)
            await self._send(reply)
            self.peer.answered(call.action)
            return reply
        return None
