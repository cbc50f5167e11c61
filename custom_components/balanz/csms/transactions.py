"""Transactions: their ids, and what is told of them once, twice or in the wrong order."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, Protocol

from .rpc_errors import WithholdAnswer
from .transaction import (
    IMPLICIT,
    OUT_OF_ORDER,
    Record,
    StartContent,
    Transaction,
    recorded_start,
    resumed_record,
    start_record,
    stop_record,
)

__all__ = [
    "IMPLICIT",
    "MAX_ID",
    "OUT_OF_ORDER",
    "UNTOLD_ID",
    "Record",
    "RecordLog",
    "StartContent",
    "Started",
    "Transaction",
    "TransactionBook",
]

MAX_ID = 2**31 - 1
_FIRST_ID_BELOW = 2**30
_STRIDE = 1000
_IDS_SINCE_BACKUP = 1_000_000
"""More ids than a site gives out before a backup of it is restored."""
TRIES_WITHHELD = 2
"""How often a start or stop is left without an answer while the disk fails."""
_MAX_REMEMBERED = 200
UNTOLD_ID = -1
"""What chargers write for a transaction whose start they have heard no answer to."""
_NO_IDS = (0, UNTOLD_ID)
"""What chargers write where they mean no transaction."""
_CLOSING = timedelta(minutes=5)
"""How long after its end a transaction may still be spoken of."""


class _Orphan(NamedTuple):
    """The stop of a transaction whose start has not been told yet."""

    identity: str
    id_tag: str
    stopped_at: datetime
    meter_stop_wh: float | None
    reason: str

    def may_end(self, content: StartContent, started_at: datetime) -> bool:
        """Return whether it can be the stop of a transaction that started so."""
        start_wh, stop_wh = content.meter_start_wh, self.meter_stop_wh
        return (
            (self.identity, self.id_tag) == (content.identity, content.id_tag)
            and started_at <= self.stopped_at
            and (start_wh is None or stop_wh is None or start_wh <= stop_wh)
        )


class RecordLog(Protocol):
    """Where records are kept. Raises OSError if the disk does not take one."""

    async def append(self, record: Record) -> None:
        """Return once the record is safe on disk."""
        ...

    def append_soon(self, record: Record) -> None:
        """Put the record on disk without waiting for it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The outcome of a start."""

    transaction: Transaction
    is_new: bool
    """False where the charger only said it again."""
    runs: bool
    """Whether it is the one that runs at its connector now."""
    replaced: Transaction | None
    """An open one of the same connector that must have ended unseen."""


class TransactionBook:
    """All transactions of all chargers. Nothing is said to be accepted before it is on disk."""

    def __init__(
        self, log: RecordLog, on_not_durable: Callable[[str], None] = lambda _identity: None
    ) -> None:
        self.on_not_durable = on_not_durable
        """Told the identity of a charger whose message was accepted though the disk failed."""
        self._log = log
        self._last_id = secrets.randbelow(_FIRST_ID_BELOW)
        self._by_id: dict[int, Transaction] = {}
        self._open: dict[tuple[str, int], Transaction] = {}
        self._closed_ids: deque[int] = deque()
        self._orphans: deque[_Orphan] = deque(maxlen=_MAX_REMEMBERED)
        self._attempts: OrderedDict[object, tuple[int, int]] = OrderedDict()
        """The id meant for a message that is not on disk yet, and how often the disk failed."""

    @property
    def open_transactions(self) -> Mapping[tuple[str, int], Transaction]:
        """The running transactions by identity and connector."""
        return MappingProxyType(self._open)

    def open_at(self, identity: str, connector: int) -> Transaction | None:
        """Return the running transaction of a connector."""
        return self._open.get((identity, connector))

    def find(self, identity: str, transaction_id: int) -> Transaction | None:
        """Return a charger's transaction by the id that it uses; never one of another charger.

        An id of the charger's own may be that of two that run; then it tells nothing.
        """
        if transaction_id > 0:
            transaction = self._by_id.get(transaction_id)
            return transaction if transaction and transaction.identity == identity else None
        return _only(self._under(identity, transaction_id))

    def find_untold(
        self, identity: str, id_tag: str, stopped_at: datetime, meter_stop_wh: float | None
    ) -> Transaction | None:
        """Return the running transaction that a stop ends whose charger was told no id.

        None unless it is the only one that the charger has, began with the same tag, and neither
        later nor at a higher register (OCPP-J 1.6 errata, 3.18).
        """
        running = [it for it in self._open.values() if it.identity == identity]
        stop = _Orphan(identity, id_tag, stopped_at, meter_stop_wh, "")
        if len(running) != 1 or not id_tag:
            return None
        return running[0] if stop.may_end(running[0].content, running[0].started_at) else None

    async def start(
        self, content: StartContent, started_at: datetime, *, only_connector: bool = False
    ) -> Started:
        """Record a start and return its transaction, the same one for the same content.

        One that started before the one that runs has ended unseen. `only_connector` tells that
        a stop that came before its start can belong to no other one. Raises WithholdAnswer while
        the disk fails, but not for ever: the third try is taken.
        """
        known = self._find_same(content)
        if known is not None:
            return _said_again(known)
        transaction_id, _ = self._attempts.setdefault(content, (self._next_id(), 0))
        transaction = Transaction(id=transaction_id, content=content, started_at=started_at)
        record = start_record(transaction) | {"last_id": self._last_id}
        await self._record(content, transaction, record)
        known = self._find_same(content)
        if known is not None:
            # The charger said it again on a new connection while the disk was busy.
            return _said_again(known)
        before = self.open_at(content.identity, content.connector)
        self._add(transaction)
        if only_connector and (stop := self._stop_of(content, started_at)) is not None:
            self._orphans.remove(stop)
            transaction = replace(
                transaction,
                stopped_at=stop.stopped_at,
                meter_stop_wh=stop.meter_stop_wh,
                reason=stop.reason,
            )
            self._log.append_soon(stop_record(transaction))
            self._add(transaction)
        now_open = self.open_at(content.identity, content.connector)
        replaced = before if before is not None and now_open is not before else None
        runs = now_open is not None and now_open.id == transaction.id
        return Started(
            transaction=self._by_id[transaction.id], is_new=True, runs=runs, replaced=replaced
        )

    async def stop(
        self,
        identity: str,
        transaction_id: int,
        *,
        stopped_at: datetime,
        meter_stop_wh: float | None,
        reason: str,
        id_tag: str = "",
    ) -> Transaction | None:
        """Record a stop and return the transaction that it ended.

        None where it is unknown, another charger's or has ended before; one that was only taken to
        have ended is recorded as it was told. Raises WithholdAnswer while the disk fails, but not
        for ever: the third try is taken.
        """
        transaction = self.find(identity, transaction_id)
        if transaction is None:
            orphan = _Orphan(identity, id_tag, stopped_at, meter_stop_wh, reason)
            if id_tag and orphan not in self._orphans:
                self._orphans.append(orphan)
            return None
        if transaction.is_told_to_have_ended:
            return None
        stopped = replace(
            transaction, stopped_at=stopped_at, meter_stop_wh=meter_stop_wh, reason=reason
        )
        await self._record((identity, transaction_id), stopped, stop_record(stopped))
        self._add(stopped)
        return stopped if transaction.is_open else None

    def refuse(self, identity: str, transaction_id: int, status: str) -> bool:
        """Note that the tag of a running transaction may not charge; False if none runs."""
        transaction = self.find(identity, transaction_id)
        if transaction is None or not transaction.is_open:
            return False
        self._add(replace(transaction, refused=status))
        self._log.append_soon(_refusal_record(self._by_id[transaction_id]))
        return True

    def adopt(
        self,
        identity: str,
        connector: int,
        transaction_id: int,
        *,
        meter_wh: float | None,
        at: datetime,
    ) -> Transaction | None:
        """Take over a transaction that the charger says to run and nobody here remembers.

        None where the id cannot be, the transaction is known to run or to have ended, or the
        connector has an open one.
        """
        if transaction_id in _NO_IDS or abs(transaction_id) > MAX_ID:
            return None
        if transaction_id > 0:
            known = self.find(identity, transaction_id)
        else:
            known = _only(
                it for it in self._under(identity, transaction_id) if it.connector == connector
            )
        if known is not None and known.reason == OUT_OF_ORDER and known.connector == connector:
            resumed = replace(known, stopped_at=None, reason="")
            self._resume(resumed)
            self._log.append_soon(resumed_record(resumed))
            return resumed
        if self.open_at(identity, connector) is not None or transaction_id in self._by_id:
            return None
        if known is not None and (known.stopped_at is None or at - known.stopped_at < _CLOSING):
            return None
        is_ours = transaction_id > 0
        content = StartContent(identity, connector, "", "", meter_wh)
        transaction = Transaction(
            id=transaction_id if is_ours else self._next_id(),
            content=content,
            started_at=at,
            charger_id=None if is_ours else transaction_id,
        )
        self._add(transaction)
        self._log.append_soon(start_record(transaction) | {"last_id": self._last_id})
        return transaction

    def restore(self, records: Iterable[Record]) -> None:
        """Take over what was recorded; records of other kinds and unreadable ones are skipped."""
        for record in records:
            try:
                self._restore(record)
            except KeyError, TypeError, ValueError:
                continue
        # Ids given out while the disk failed are not recorded; leave a gap for them.
        self._last_id += _STRIDE * (1 + secrets.randbelow(10))

    def skip_ids(self) -> None:
        """Leave a gap for all ids that may have been given since what is known was recorded."""
        self._last_id = (self._last_id + _IDS_SINCE_BACKUP) % MAX_ID

    def records(self) -> list[Record]:
        """Return records that say the same as all that were written so far."""
        result: list[Record] = [{"kind": "transaction_counter", "last_id": self._last_id}]
        for transaction in self._by_id.values():
            if not transaction.is_open:
                result += [start_record(transaction), stop_record(transaction)]
        # Those that run come last, lest one that has ended take their place.
        result += [start_record(transaction) for transaction in self._open.values()]
        result += [
            _refusal_record(transaction)
            for transaction in self._open.values()
            if transaction.refused
        ]
        return result

    def _restore(self, record: Record) -> None:
        match record["kind"]:
            case "transaction_counter":
                self._last_id = int(record["last_id"])
            case "transaction_started":
                self._add(recorded_start(record))
                self._last_id = int(record.get("last_id", self._last_id))
            case "transaction_refused":
                transaction = self.find(record["identity"], record["id"])
                if transaction is not None and transaction.is_open:
                    self._add(replace(transaction, refused=str(record["status"])))
            case "transaction_stopped":
                transaction = self._by_id.get(record["id"])
                meter_stop_wh = record["meter_stop_wh"]
                if transaction is not None and not transaction.is_told_to_have_ended:
                    self._add(
                        replace(
                            transaction,
                            stopped_at=datetime.fromisoformat(record["stopped_at"]),
                            meter_stop_wh=None if meter_stop_wh is None else float(meter_stop_wh),
                            reason=str(record["reason"]),
                        )
                    )
            case "transaction_resumed":
                transaction = self._by_id.get(record["id"])
                if transaction is not None and transaction.reason == OUT_OF_ORDER:
                    self._resume(replace(transaction, stopped_at=None, reason=""))

    async def _record(self, attempt: object, transaction: Transaction, record: Record) -> None:
        """Put a record on disk, or decide what to do about it if that fails."""
        try:
            await self._log.append(record)
        except OSError:
            failures = self._attempts.get(attempt, (0, 0))[1] + 1
            self._attempts[attempt] = (transaction.id, failures)
            if len(self._attempts) > _MAX_REMEMBERED:
                self._attempts.popitem(last=False)
            if failures <= TRIES_WITHHELD:
                raise WithholdAnswer from None
            self.on_not_durable(transaction.identity)
        self._attempts.pop(attempt, None)

    def _add(self, transaction: Transaction) -> None:
        """Keep a transaction; of two at one connector only the one that started later runs."""
        place = (transaction.identity, transaction.connector)
        before = self._open.get(place)
        if transaction.is_open and before is not None and before.id != transaction.id:
            if transaction.started_at < before.started_at:
                transaction = replace(
                    transaction, stopped_at=before.started_at, reason=OUT_OF_ORDER
                )
            else:
                self._end_unseen(before, transaction.started_at)
        if transaction.is_open:
            self._open[place] = transaction
        else:
            if before is not None and before.id == transaction.id:
                del self._open[place]
            self._remember_closed(transaction.id)
        self._by_id[transaction.id] = transaction

    def _under(self, identity: str, charger_id: int) -> Iterable[Transaction]:
        """Yield a charger's transactions under an id of its own."""
        for transaction in self._by_id.values():
            if transaction.identity == identity and transaction.charger_id == charger_id:
                yield transaction

    def _resume(self, transaction: Transaction) -> None:
        """Let the transaction run that its charger speaks of, in place of any other."""
        before = self._open.get((transaction.identity, transaction.connector))
        if before is not None:
            self._end_unseen(before, before.started_at)
        self._closed_ids.remove(transaction.id)
        self._add(transaction)

    def _end_unseen(self, transaction: Transaction, at: datetime) -> None:
        self._add(replace(transaction, stopped_at=at, reason=IMPLICIT))

    def _remember_closed(self, transaction_id: int) -> None:
        if transaction_id in self._closed_ids:
            return
        self._closed_ids.append(transaction_id)
        if len(self._closed_ids) > _MAX_REMEMBERED:
            self._by_id.pop(self._closed_ids.popleft(), None)

    def _stop_of(self, content: StartContent, started_at: datetime) -> _Orphan | None:
        """Return the stop that was told before this start; None where it could be one of two."""
        if not content.timestamp:
            return None
        stops = [stop for stop in self._orphans if stop.may_end(content, started_at)]
        return stops[0] if len(stops) == 1 else None

    def _find_same(self, content: StartContent) -> Transaction | None:
        """Return the transaction that started with this content.

        Without a timestamp a later transaction may look the same, so only an open one counts then.
        """
        for transaction in reversed(self._by_id.values()):
            if transaction.content == content and (transaction.is_open or content.timestamp):
                return transaction
        return None

    def _next_id(self) -> int:
        """Return a positive id that nobody can guess from the one before."""
        while True:
            self._last_id += 1 + secrets.randbelow(_STRIDE)
            if self._last_id > MAX_ID:
                self._last_id = secrets.randbelow(_FIRST_ID_BELOW) + 1
            if self._last_id not in self._by_id:
                return self._last_id


def _said_again(transaction: Transaction) -> Started:
    return Started(transaction=transaction, is_new=False, runs=transaction.is_open, replaced=None)


def _only(transactions: Iterable[Transaction]) -> Transaction | None:
    """Return the one that runs, else the last one; None where several run."""
    known = list(transactions)
    running = [transaction for transaction in known if transaction.is_open]
    if len(running) > 1:
        return None
    return running[0] if running else max(known, key=lambda it: it.started_at, default=None)


def _refusal_record(transaction: Transaction) -> Record:
    return {
        "kind": "transaction_refused",
        "id": transaction.id,
        "identity": transaction.identity,
        "status": transaction.refused,
    }
