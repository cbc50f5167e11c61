"""OCPP-J over one socket: one outstanding CALL each way, and a line that survives bad frames.

Results are read while handlers work, so that a handler that waits for the disk holds up nothing but
the calls behind it.
"""

import asyncio
import logging
import uuid
from collections import OrderedDict, deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from .outbox import LineQueue
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
    BadCall,
    Call,
    CallFailure,
    CallResult,
    ErrorCode,
    Payload,
    Unreadable,
    encode_call,
    encode_error,
    encode_result,
    parse,
)
from .validation import Direction, check

_LOGGER = logging.getLogger(__name__)

CALL_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 10.0
MAX_UNREADABLE_PER_MINUTE = 30
MAX_BINARY_FRAMES = 2
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
        """Drop the connection at once."""
        ...


class Peer(Protocol):
    """Who speaks through a connection."""

    async def handle(self, action: str, payload: Payload) -> Payload:
        """Return the answer to a call. Raises CallError to refuse, WithholdAnswer to be silent."""
        ...

    def answered(self, action: str) -> None:
        """Learn that the answer to a call has been sent."""
        ...

    def line_freed(self) -> None:
        """Learn that an outstanding call has ended, however."""
        ...

    def late_result(self, action: str) -> None:
        """Learn that a call that had timed out was answered after all."""
        ...

    def closed(self) -> None:
        """Learn that the connection has ended."""
        ...


class RpcConnection:
    """One connection to a charging station, from its first frame to its end."""

    peer: Peer
    """Must be set before `run`; may be changed meanwhile."""

    def __init__(
        self, socket: Socket, *, name: str, call_timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._socket = socket
        self._name = name
        self._call_timeout_s = call_timeout_s
        self._lost = False
        self._stop: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._line = LineQueue()
        self._outstanding: tuple[str, asyncio.Future[Payload]] | None = None
        self._timed_out: OrderedDict[str, str] = OrderedDict()
        self._inbound: asyncio.Queue[Call] = asyncio.Queue(MAX_CALLS_WAITING)
        self._in_progress: set[bytes] = set()
        self._replies: OrderedDict[bytes, str] = OrderedDict()
        self._unreadable_at: deque[float] = deque()
        self._binary_frames = 0
        self.unreadable_frames = 0
        """Frames that had to be ignored since the connection was made."""

    @property
    def busy(self) -> bool:
        """Whether a call is outstanding."""
        return self._line.busy

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends at the latest with the connection."""
        if self._lost or self._stop.done():
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
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
        worker = loop.create_task(self._work())
        try:
            await asyncio.wait((reader, worker, self._stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lost = True
            self.peer.closed()
            self._line.fail()
            if self._outstanding is not None and not self._outstanding[1].done():
                self._outstanding[1].set_exception(ConnectionLost(sent=True))
            ending = (reader, worker, *self._tasks)
            for task in ending:
                task.cancel()
            for result in await asyncio.gather(*ending, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, ConnectionLost):
                    _LOGGER.error(
                        "%s: a task of the connection failed", self._name, exc_info=result
                    )
            if self._stop.done():
                await self._socket.close(*self._stop.result())

    async def call(self, action: str, payload: Payload, *, urgent: bool = False) -> Payload:
        """Send a CALL and return the answer.

        Urgent calls overtake those that wait for the line. The time-out counts from the sending on;
        so long does a call wait for the line at most, too. Raises InvalidCall, LineBusy,
        ConnectionLost, CallTimeout, CallRejected or MalformedAnswer.
        """
        violation = check(action, Direction.REQUEST, payload)
        if violation is not None:
            raise InvalidCall(f"{action}: {violation}")
        await self._line.acquire(urgent=urgent, timeout_s=self._call_timeout_s)
        try:
            return await self._call(action, payload)
        finally:
            self._outstanding = None
            self._line.release()
            self.peer.line_freed()

    async def _call(self, action: str, payload: Payload) -> Payload:
        message_id = str(uuid.uuid4())
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        # The connection may be lost while the call is still being written, before anybody awaits.
        answer.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._outstanding = (message_id, answer)
        await self._send(encode_call(message_id, action, payload))
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return await answer
        except TimeoutError:
            self._timed_out[message_id] = action
            if len(self._timed_out) > MAX_REMEMBERED:
                self._timed_out.popitem(last=False)
            raise CallTimeout from None

    async def _send(self, text: str) -> None:
        """Write a message; a peer that does not read it in time loses the connection."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._socket.send(text)
        except TimeoutError:
            self._socket.abort()
            raise ConnectionLost(sent=True) from None

    async def _read(self) -> None:
        with suppress(ConnectionLost):
            while True:
                message = await self._socket.recv()
                if isinstance(message, bytes):
                    self._binary_frames += 1
                    self._count_unreadable("a binary frame")
                    if self._binary_frames > MAX_BINARY_FRAMES:
                        self.stop(1003, "text frames only")
                    continue
                match parse(message):
                    case Call() as call:
                        if call.fingerprint not in self._in_progress:
                            self._in_progress.add(call.fingerprint)
                            await self._inbound.put(call)
                    case CallResult() | CallFailure() as result:
                        self._settle(result)
                    case BadCall(id=message_id, code=code, description=description):
                        await self._send(encode_error(message_id, code, description))
                    case Unreadable(reason=reason):
                        self._count_unreadable(reason)

    def _count_unreadable(self, reason: str) -> None:
        """Ignore a frame; a peer that sends too many such is shown the door."""
        _LOGGER.debug("%s: frame ignored: %s", self._name, reason)
        self.unreadable_frames += 1
        now = asyncio.get_running_loop().time()
        self._unreadable_at.append(now)
        while self._unreadable_at[0] < now - 60.0:
            self._unreadable_at.popleft()
        if len(self._unreadable_at) > MAX_UNREADABLE_PER_MINUTE:
            self.stop(1008, "too many unreadable frames")

    def _settle(self, result: CallResult | CallFailure) -> None:
        """Give a result to the call that waits for it, or to nobody."""
        outstanding = self._outstanding
        if outstanding is not None and outstanding[0] == result.id and not outstanding[1].done():
            if isinstance(result, CallFailure):
                outstanding[1].set_exception(CallRejected(result.code, result.description))
            elif result.payload is None:
                outstanding[1].set_exception(MalformedAnswer())
            else:
                outstanding[1].set_result(result.payload)
            return
        late = self._timed_out.pop(result.id, None) if isinstance(result.id, str) else None
        if late is not None:
            self.peer.late_result(late)
        elif result.id == "-1":
            _LOGGER.debug("%s: the charger could not read a frame of ours", self._name)
        else:
            self._count_unreadable("a result that nobody waits for")

    async def _work(self) -> None:
        with suppress(ConnectionLost):
            while True:
                call = await self._inbound.get()
                try:
                    await self._answer(call)
                finally:
                    self._in_progress.discard(call.fingerprint)

    async def _answer(self, call: Call) -> None:
        """Answer one call; one that was answered before has no second effect."""
        reply = self._replies.get(call.fingerprint)
        if reply is not None:
            await self._send(reply)
            return
        try:
            payload = await self.peer.handle(call.action, call.payload)
            violation = check(call.action, Direction.RESPONSE, payload)
            if violation is not None:
                raise InvalidCall(f"answer to {call.action}: {violation}")
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
            if call.action not in ANSWERED_ANEW:
                self._replies[call.fingerprint] = reply
                if len(self._replies) > MAX_REMEMBERED:
                    self._replies.popitem(last=False)
            await self._send(reply)
            self.peer.answered(call.action)
