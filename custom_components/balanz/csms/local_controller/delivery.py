"""Takes to the back office what it must get in order, sooner or later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from ...storage.upstream_ledger import Kept, UpstreamQueue, WaitingCall
from ..lenient import MAX_INTEGER, integer
from ..rpc_errors import (
    CallFailed,
    CallRejected,
    ConnectionLost,
    InvalidCall,
    LineBusy,
    MalformedAnswer,
)
from ..rpc_frames import ErrorCode, Payload, Verbatim
from .transaction_ids import TransactionIds, with_transaction

RETRY_S = 30.0
RETRY_AT_MOST_S = 600.0
MAX_REFUSALS = 5
"""A start or stop that was refused so often is parked, lest it hold up all others for ever."""

MAX_TRIES = 3
"""How often a critical notice is told."""
_NEVER_TAKEN = (ErrorCode.NOT_IMPLEMENTED, ErrorCode.NOT_SUPPORTED)

_LOGGER = logging.getLogger(__name__)


class Line(Protocol):
    """The connection to the back office."""

    async def call(
        self, action: str, payload: Payload, *, urgent: bool = False, message_id: str | None = None
    ) -> Payload:
        """Send a call and return the answer. Raises CallFailed."""
        ...


class Delivery:
    """The queue of one charger, worked off whenever its back office can be reached."""

    def __init__(
        self,
        queue: UpstreamQueue,
        *,
        read: Callable[[str], Payload],
        on_started: Callable[[int, Payload], None],
        boot: Callable[[Line], Awaitable[bool]],
        on_delivered: Callable[[], None],
        retry_s: float = RETRY_S,
    ) -> None:
        """Send nothing yet.

        `read` makes a payload of its text; `on_started` is told of the answer to the start of a
        transaction, by its id of balanz, `boot` tells the back office of the charger's boot and
        returns False if it cannot, `on_delivered` is told of each call that was taken out.
        """
        self._queue = queue
        self._ids = TransactionIds(queue.ids)
        self._read = read
        self._on_started = on_started
        self._boot = boot
        self._on_delivered = on_delivered
        self._retry_s = retry_s
        self._news = asyncio.Event()
        self._answers: dict[str, asyncio.Future[Payload]] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return len(self._queue) == 0

    async def answer_to(self, call: WaitingCall, within_s: float) -> Payload | None:
        """Have a call of the queue delivered soon, and return what comes back.

        None if there is no answer in time; it is delivered all the same. Raises CallFailed if the
        back office refuses it.
        """
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._answers[call.id] = answer
        self.wake()
        try:
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._answers[call.id]

    def wake(self) -> None:
        """Look at the queue again."""
        self._news.set()

    async def run(self, line: Line) -> None:
        """Deliver over a connection for as long as it lasts. Raises ConnectionLost at its end."""
        while True:
            self._news.clear()
            call = self._queue.first
            if call is None:
                await self._news.wait()
                continue
            await self._deliver(line, call)
            self._on_delivered()

    async def _deliver(self, line: Line, call: WaitingCall) -> None:
        """Tell the back office of one call until it has answered, or gives no answer any more."""
        attempts = refusals = 0
        while call.id in self._queue:
            if self._queue.is_lost(call):
                self._queue.park(call)
                self._disappoint(call, InvalidCall("of a transaction that was not taken"))
                return
            attempts += 1
            try:
                answer = await line.call(call.action, self._payload(call), message_id=call.id)
            except ConnectionLost:
                raise
            except LineBusy:
                attempts -= 1
                continue
            except CallRejected as error:
                refusals += 1
                wants_boot = error.code == ErrorCode.SECURITY_ERROR and refusals == 1
                if wants_boot and await self._boot(line):
                    continue
                self._refused(call, error, refusals)
            except CallFailed as error:
                # What cannot be said now, or answered, cannot be later either.
                if isinstance(error, InvalidCall | MalformedAnswer):
                    refusals += 1
                if call.kept is Kept.CRITICAL:
                    self._refused(call, error, attempts)
                elif call.kept is not Kept.TRANSACTION or refusals:
                    self._refused(call, error, refusals)
            else:
                self._answered(call, answer)
            if call.id in self._queue:
                await asyncio.sleep(min(attempts * self._retry_s, RETRY_AT_MOST_S))

    def _payload(self, call: WaitingCall) -> Payload:
        payload = self._read(call.payload)
        if call.transaction_id is None or call.action == "StartTransaction":
            return payload
        return with_transaction(payload, self._ids.upstream(call.transaction_id))

    def _answered(self, call: WaitingCall, answer: Payload) -> None:
        if call.action == "StartTransaction" and call.transaction_id is not None:
            told = integer(answer.get("transactionId"))
            is_id = told is not None and abs(told) <= MAX_INTEGER
            self._queue.done(call, upstream_id=told if is_id else call.transaction_id)
            self._on_started(call.transaction_id, answer)
        else:
            self._queue.done(call)
        waiter = self._answers.get(call.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def _refused(self, call: WaitingCall, error: CallFailed, tries: int) -> None:
        """Give a call up: at once where it is no more than a notice."""
        match call.kept:
            case Kept.TRANSACTION if tries < MAX_REFUSALS:
                return
            case Kept.TRANSACTION:
                _LOGGER.warning(
                    "%s was refused by the back office for good: %s", call.action, error
                )
                self._queue.park(call)
            case Kept.CRITICAL if tries < MAX_TRIES and not _is_final(error):
                return
            case _:
                self._queue.done(call)
        self._disappoint(call, error)

    def _disappoint(self, call: WaitingCall, error: CallFailed) -> None:
        """Tell who waits for an answer that there will be none."""
        waiter = self._answers.get(call.id)
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)


def _is_final(error: CallFailed) -> bool:
    """Return whether a back office will never take such a message."""
    return isinstance(error, InvalidCall) or (
        isinstance(error, CallRejected) and error.code in _NEVER_TAKEN
    )


def read_verbatim(parse: Callable[[str], Payload]) -> Callable[[str], Payload]:
    """Return what makes a payload of its text that will be sent as it is written."""

    def read(text: str) -> Payload:
        return Verbatim.of(parse(text), text)

    return read
