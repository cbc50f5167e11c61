"""What a charger says, taken to its back office, or answered in its place."""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson

from ...storage.journal import StorageError
from ...storage.upstream_ledger import Kept, UpstreamQueue, WaitingCall
from ..authorization import AuthorizationStatus, Verdict
from ..lenient import integer
from ..rpc_errors import CallError, CallFailed, CallRejected, WithholdAnswer
from ..rpc_frames import ErrorCode, Payload, Verbatim
from ..transactions import TRIES_WITHHELD, Transaction, TransactionBook
from ..v16 import PENDING_INTERVAL_S
from ..v16 import boot_answer as own_boot_answer
from ..validation import Direction, check, is_known
from .answers import boot_answer, clock_differs, relayed, with_our_time
from .delivery import Delivery
from .forwarding import PATIENCE_S, FromCharger, Offline, Way, from_charger
from .offline_tags import OfflineTags
from .transaction_ids import TransactionIds, with_transaction
from .upstream import UpstreamLeg

WORTH_WAITING = 2
"""A charger is not kept waiting for its turn behind more calls than that."""

MAX_TRIED = 32
"""Starts and stops that were not answered, of which the tries are counted."""
_OF_TRANSACTIONS = ("StartTransaction", "StopTransaction")

type Own = Callable[[str, Payload], Awaitable[Payload]]

_LOGGER = logging.getLogger(__name__)


class ChargerCalls:
    """Serves the calls of one charger, in front of its back office."""

    def __init__(
        self,
        charger: str,
        *,
        queue: UpstreamQueue,
        leg: UpstreamLeg,
        delivery: Delivery,
        tags: OfflineTags,
        transactions: TransactionBook,
        on_copy: Callable[[str, Payload, Payload], None],
        keeps_keys: Callable[[], bool],
    ) -> None:
        """Serve; `on_copy` is told of each call, and what balanz itself says to it.

        `keeps_keys` tells whether what the back office sets for metering is kept from the charger.
        """
        self.clock_differs = False
        """Whether the back office told another time than that of here when it did last."""
        self._charger = charger
        self._queue = queue
        self._leg = leg
        self._delivery = delivery
        self._tags = tags
        self._transactions = transactions
        self._on_copy = on_copy
        self._keeps_keys = keeps_keys
        self._ids = TransactionIds(queue.ids)
        self._under_way: set[asyncio.Task[Payload]] = set()
        self._sampled_at: dict[int, float] = {}
        self._tries: OrderedDict[tuple[str, str], int] = OrderedDict()
        """How often each start and stop was said that has no answer, by its payload."""

    # Who decides about tags; the back office does, once it has been told of a transaction.

    async def authorize(self, _identity: str, id_tag: object) -> Verdict:
        """Return what is known of a tag without the back office."""
        info = self._tags.authorize(id_tag)["idTagInfo"]
        accepted = info["status"] == AuthorizationStatus.ACCEPTED
        status = AuthorizationStatus.ACCEPTED if accepted else AuthorizationStatus.INVALID
        return Verdict(status=status)

    def started(self, _transaction: Transaction, _id_tag: object) -> Verdict:
        """Accept a transaction until the back office has had its say."""
        return Verdict(status=AuthorizationStatus.ACCEPTED)

    async def serve(self, action: str, payload: Payload, own: Own) -> Payload:
        """Return the answer to a call; `own` is how balanz itself takes it in.

        Raises CallError or WithholdAnswer.
        """
        row = from_charger(action)
        if action in _OF_TRANSACTIONS:
            tried = (action, text_of(payload))
            self._tries[tried] = self._tries.get(tried, 0) + 1
            if len(self._tries) > MAX_TRIED:
                self._tries.popitem(last=False)
        # What balanz itself makes of it waits for nobody.
        local = await own(action, payload) if row.tapped else {}
        if row.patience_s >= PATIENCE_S:
            await self._leg.reached(row.patience_s)
        self._on_copy(action, payload, local)
        if row.way is Way.DIRECT:
            return await self._ask(action, payload, row, local)
        match action:
            case "StartTransaction":
                return await self._start(payload, row, local)
            case "StopTransaction":
                return await self._stop(payload, row, local)
            case "MeterValues" if self._is_too_frequent(payload):
                return local
        return await self._notify(action, payload, row, local)

    # What only an answer now is any good for

    async def _ask(
        self, action: str, payload: Payload, row: FromCharger, local: Payload
    ) -> Payload:
        if action == "BootNotification":
            self._queue.remember("boot", text_of(payload))
        answer = None
        if self._leg.connected:
            answer = await self._answer_of(action, payload, row.patience_s)
        if answer is None or (
            is_known(action) and check(action, Direction.RESPONSE, answer) is not None
        ):
            return self._offline(action, payload, row, local)
        match action:
            case "BootNotification":
                self.booted(answer)
                self._note_clock(answer)
                return boot_answer(answer)
            case "Heartbeat":
                self._note_clock(answer)
                return with_our_time(answer)
            case "Authorize":
                self._tags.learn(payload.get("idTag"), answer.get("idTagInfo"))
        return answer

    def booted(self, answer: Payload) -> None:
        """Take in what the back office said to the boot of the charger."""
        self._queue.remember("accepted", "yes" if answer.get("status") == "Accepted" else "no")
        self._queue.remember("boot_due", "no")

    def _note_clock(self, answer: Payload) -> None:
        differs = clock_differs(answer)
        if differs and not self.clock_differs:
            _LOGGER.warning("The back office of %s has another time than here", self._charger)
        self.clock_differs = differs

    async def _answer_of(self, action: str, payload: Payload, patience_s: float) -> Payload | None:
        """Return the answer of the back office; None if there is none in time. Raises CallError."""
        # It goes on after that: the line is not free before the call has ended.
        task = asyncio.get_running_loop().create_task(self._leg.call(action, payload, urgent=True))
        self._under_way.add(task)
        task.add_done_callback(partial(self._ended, action))
        done, _ = await asyncio.wait((task,), timeout=patience_s)
        if not done:
            return None
        try:
            return task.result()
        except CallRejected as error:
            raise relayed(error.code, error.description) from None
        except CallFailed:
            return None

    def _ended(self, action: str, task: asyncio.Task[Payload]) -> None:
        self._under_way.discard(task)
        if task.cancelled() or task.exception() is not None:
            return
        answer = task.result()
        if action == "BootNotification" and check(action, Direction.RESPONSE, answer) is None:
            # However late: the charger is told when it asks again.
            self.booted(answer)

    def _offline(self, action: str, payload: Payload, row: FromCharger, local: Payload) -> Payload:
        """Return the answer in place of the back office. Raises CallError."""
        match row.offline:
            case Offline.ACKNOWLEDGED:
                return local
            case Offline.BOOTED:
                self._queue.remember("boot_due", "yes")
                if self._queue.facts.get("accepted") == "yes":
                    return local
                return own_boot_answer("Pending", PENDING_INTERVAL_S)
            case Offline.AUTHORIZED:
                return self._tags.authorize(payload.get("idTag"))
            case Offline.REJECTED:
                return {"status": "Rejected"}
            case Offline.UNSERVED:
                raise CallError(ErrorCode.NOT_IMPLEMENTED, f"no back office for {action[:50]}")

    # What the back office gets in order, now or later

    async def _start(self, payload: Payload, row: FromCharger, local: Payload) -> Payload:
        own_id = local["transactionId"]
        call = _waiting("StartTransaction", payload, Kept.TRANSACTION, transaction_id=own_id)
        if not await self._keep(call, is_known=own_id in self._queue.ids):
            return local
        answer = await self._delivered(call, row.patience_s)
        if answer is None:
            transaction = self._transactions.find(self._charger, own_id)
            if transaction is None or not transaction.is_open:
                return local
            verdict = self._tags.started(transaction, payload.get("idTag"))
            return local | {"idTagInfo": {"status": verdict.status.value}}
        told = with_transaction(answer, own_id)
        if check("StartTransaction", Direction.RESPONSE, told) is not None:
            return local
        return told

    def told_of_start(self, own_id: int, answer: Payload) -> None:
        """Take in what the back office says of a transaction, perhaps long after its start."""
        transaction = self._transactions.find(self._charger, own_id)
        info = answer.get("idTagInfo")
        if not isinstance(info, dict):
            return
        status = str(info.get("status"))
        if transaction is None:
            return
        self._tags.learn(transaction.content.id_tag, info)
        if status != AuthorizationStatus.ACCEPTED and transaction.is_open:
            self._tags.refuse(transaction, status)

    async def _stop(self, payload: Payload, row: FromCharger, local: Payload) -> Payload:
        told_id = integer(payload.get("transactionId"))
        own_id = told_id if told_id is not None and told_id > 0 else None
        call = _waiting("StopTransaction", payload, Kept.TRANSACTION, transaction_id=own_id)
        if not await self._keep(call, is_known=own_id in self._queue.stopped):
            return local
        answer = await self._delivered(call, row.patience_s)
        if answer is None or check("StopTransaction", Direction.RESPONSE, answer) is not None:
            return local
        return answer

    async def _keep(self, call: WaitingCall, *, is_known: bool) -> bool:
        """Queue a start or stop durably; False where the back office was told, or is going to be.

        Raises WithholdAnswer while the disk fails, but not for ever: the third try is taken.
        """
        tried = (call.action, call.payload)
        same = [it for it in self._queue.unsaved() if (it.action, it.payload) == tried]
        if is_known and not same:
            # The charger says it again.
            return False
        try:
            await self._queue.put_durably(same[0] if same else call)
        except StorageError:
            self._delivery.wake()
            if self._tries.get(tried, 0) <= TRIES_WITHHELD:
                raise WithholdAnswer from None
            self._transactions.on_not_durable(self._charger)
        self._tries.pop(tried, None)
        return True

    async def _notify(
        self, action: str, payload: Payload, row: FromCharger, local: Payload
    ) -> Payload:
        kept, subject = Kept.EVENT, ""
        transaction_id = None
        if action == "MeterValues":
            kept, transaction_id = Kept.SAMPLE, integer(payload.get("transactionId"))
        elif action == "StatusNotification" and not self._leg.connected:
            kept, subject = Kept.NEWEST, f"{action} {payload.get('connectorId')}"
        call = _waiting(action, payload, kept, transaction_id=transaction_id, subject=subject)
        self._queue.put(call, on_disk=not self._leg.connected)
        try:
            answer = await self._delivered(call, row.patience_s)
        except CallRejected as error:
            raise relayed(error.code, error.description) from None
        if answer is None or check(action, Direction.RESPONSE, answer) is not None:
            return local
        return answer

    async def _delivered(self, call: WaitingCall, patience_s: float) -> Payload | None:
        """Return what the back office says to a call of the queue; None if not soon.

        Raises CallRejected for a mere notice.
        """
        is_over = call.id not in self._queue
        if is_over or not self._leg.connected or len(self._queue) > WORTH_WAITING:
            self._delivery.wake()
            return None
        try:
            return await self._delivery.answer_to(call, patience_s)
        except CallRejected:
            if call.kept is Kept.TRANSACTION:
                return None
            raise
        except CallFailed:
            return None

    def _is_too_frequent(self, payload: Payload) -> bool:
        """Return whether the back office wants samples less often than balanz does."""
        interval_s = integer(self._queue.facts.get("key:metervaluesampleinterval"))
        connector = integer(payload.get("connectorId"))
        if interval_s is None or connector is None or not self._keeps_keys():
            return False
        if not _is_periodic(payload):
            return False
        now = asyncio.get_running_loop().time()
        # A little early is no other rhythm.
        if now - self._sampled_at.get(connector, -1e9) < 0.9 * interval_s or interval_s == 0:
            return True
        self._sampled_at[connector] = now
        return False


def _is_periodic(payload: Payload) -> bool:
    """Return whether all values of a message are those of a sample among many."""
    values: Any = payload.get("meterValue")
    if not isinstance(values, list):
        return False
    return all(
        isinstance(sample, dict) and sample.get("context", "Sample.Periodic") == "Sample.Periodic"
        for value in values
        if isinstance(value, dict) and isinstance(value.get("sampledValue"), list)
        for sample in value["sampledValue"]
    )


def _waiting(
    action: str,
    payload: Payload,
    kept: Kept,
    *,
    transaction_id: int | None = None,
    subject: str = "",
) -> WaitingCall:
    return WaitingCall(
        id=str(uuid.uuid4()),
        action=action,
        payload=text_of(payload),
        kept=kept,
        transaction_id=transaction_id,
        subject=subject,
    )


def text_of(payload: Payload) -> str:
    """Return a payload as it was written, or is to be written."""
    if isinstance(payload, Verbatim):
        return payload.text
    return orjson.dumps(payload).decode()
