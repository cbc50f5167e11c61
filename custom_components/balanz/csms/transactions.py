"""Transactions: their ids, and what is told of them once, twice or in the wrong order."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from .rpc_errors import WithholdAnswer

MAX_ID = 2**31 - 1
_FIRST_ID_BELOW = 2**30
_STRIDE = 1000
_TRIES_WITHHELD = 2
_MAX_REMEMBERED = 200
IMPLICIT = "Implicit"
"""The reason of a stop that no message told: another transaction has started in its place."""

type Record = dict[str, Any]


class RecordLog(Protocol):
    """Where records are kept. Raises OSError if the disk does not take one."""

    async def append(self, record: Record) -> None:
        """Return once the record is safe on disk."""
        ...

    def append_soon(self, record: Record) -> None:
        """Put the record on disk without waiting for it."""
        ...


class StartContent(NamedTuple):
    """What makes two StartTransaction messages the same, whatever their message ids."""

    identity: str
    connector: int
    id_tag: str
    timestamp: str
    """As the charger wrote it; empty where it sent none."""
    meter_start_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction of one connector."""

    id: int
    content: StartContent
    started_at: datetime
    stopped_at: datetime | None = None
    meter_stop_wh: float | None = None
    reason: str = ""
    """Why it was stopped, as OCPP 1.6 section 7.36 names it, or IMPLICIT."""
    refused: str = ""
    """Why its tag may not charge, as OCPP 1.6 section 7.2 names it; empty where it may."""

    @property
    def identity(self) -> str:
        """The charger to which it belongs."""
        return self.content.identity

    @property
    def connector(self) -> int:
        """Where the car is plugged in."""
        return self.content.connector

    @property
    def is_open(self) -> bool:
        """Whether it still runs, as far as is known."""
        return self.stopped_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The outcome of a start."""

    transaction: Transaction
    is_new: bool
    """False where the charger only said it again."""
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
        """Return a charger's transaction; never one of another charger."""
        transaction = self._by_id.get(transaction_id)
        return transaction if transaction and transaction.identity == identity else None

    async def start(self, content: StartContent, started_at: datetime) -> Started:
        """Record a start and return its transaction, the same one for the same content.

        Raises WithholdAnswer while the disk fails, but not for ever: the third try is taken.
        """
        known = self._find_same(content)
        if known is not None:
            return Started(transaction=known, is_new=False, replaced=None)
        transaction_id, _ = self._attempts.setdefault(content, (self._next_id(), 0))
        transaction = Transaction(id=transaction_id, content=content, started_at=started_at)
        record = _start_record(transaction) | {"last_id": self._last_id}
        await self._record(content, transaction, record)
        known = self._find_same(content)
        if known is not None:
            # The charger said it again on a new connection while the disk was busy.
            return Started(transaction=known, is_new=False, replaced=None)
        replaced = self.open_at(content.identity, content.connector)
        self._add(transaction)
        return Started(transaction=transaction, is_new=True, replaced=replaced)

    async def stop(
        self,
        identity: str,
        transaction_id: int,
        *,
        stopped_at: datetime,
        meter_stop_wh: float | None,
        reason: str,
    ) -> Transaction | None:
        """Record a stop and return the transaction that it ended.

        None where it is unknown, another charger's or has ended before. Raises WithholdAnswer while
        the disk fails, but not for ever: the third try is taken.
        """
        transaction = self.find(identity, transaction_id)
        if transaction is None or not transaction.is_open:
            return None
        stopped = replace(
            transaction, stopped_at=stopped_at, meter_stop_wh=meter_stop_wh, reason=reason
        )
        await self._record((identity, transaction_id), stopped, _stop_record(stopped))
        self._add(stopped)
        return stopped

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
        meter_wh: float,
        at: datetime,
    ) -> Transaction | None:
        """Take over a transaction that the charger speaks of and nobody here remembers.

        None where the id cannot be, is known, or the connector has an open transaction.
        """
        if not 0 < transaction_id <= MAX_ID or transaction_id in self._by_id:
            return None
        if self.open_at(identity, connector) is not None:
            return None
        content = StartContent(identity, connector, "", "", meter_wh)
        transaction = Transaction(id=transaction_id, content=content, started_at=at)
        self._add(transaction)
        self._log.append_soon(_start_record(transaction))
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

    def records(self) -> list[Record]:
        """Return records that say the same as all that were written so far."""
        result: list[Record] = [{"kind": "transaction_counter", "last_id": self._last_id}]
        for transaction in self._by_id.values():
            result.append(_start_record(transaction))
            if transaction.refused:
                result.append(_refusal_record(transaction))
            if not transaction.is_open:
                result.append(_stop_record(transaction))
        return result

    def _restore(self, record: Record) -> None:
        match record["kind"]:
            case "transaction_counter":
                self._last_id = int(record["last_id"])
            case "transaction_started":
                content = StartContent(
                    str(record["identity"]),
                    int(record["connector"]),
                    str(record["id_tag"]),
                    str(record["timestamp"]),
                    float(record["meter_start_wh"]),
                )
                started_at = datetime.fromisoformat(record["started_at"])
                self._add(Transaction(id=int(record["id"]), content=content, started_at=started_at))
                self._last_id = int(record.get("last_id", self._last_id))
            case "transaction_refused":
                transaction = self.find(record["identity"], record["id"])
                if transaction is not None and transaction.is_open:
                    self._add(replace(transaction, refused=str(record["status"])))
            case "transaction_stopped":
                transaction = self.find(record["identity"], record["id"])
                meter_stop_wh = record["meter_stop_wh"]
                if transaction is not None and transaction.is_open:
                    self._add(
                        replace(
                            transaction,
                            stopped_at=datetime.fromisoformat(record["stopped_at"]),
                            meter_stop_wh=None if meter_stop_wh is None else float(meter_stop_wh),
                            reason=str(record["reason"]),
                        )
                    )

    async def _record(self, attempt: object, transaction: Transaction, record: Record) -> None:
        """Put a record on disk, or decide what to do about it if that fails."""
        try:
            await self._log.append(record)
        except OSError:
            failures = self._attempts.get(attempt, (0, 0))[1] + 1
            self._attempts[attempt] = (transaction.id, failures)
            if len(self._attempts) > _MAX_REMEMBERED:
                self._attempts.popitem(last=False)
            if failures <= _TRIES_WITHHELD:
                raise WithholdAnswer from None
            self.on_not_durable(transaction.identity)
        self._attempts.pop(attempt, None)

    def _add(self, transaction: Transaction) -> None:
        """Keep a transaction; an open one that it follows on its connector has ended."""
        place = (transaction.identity, transaction.connector)
        before = self._open.get(place)
        if transaction.is_open:
            if before is not None and before.id != transaction.id:
                self._add(replace(before, stopped_at=transaction.started_at, reason=IMPLICIT))
            self._open[place] = transaction
        else:
            if before is not None and before.id == transaction.id:
                del self._open[place]
            self._closed_ids.append(transaction.id)
            if len(self._closed_ids) > _MAX_REMEMBERED:
                self._by_id.pop(self._closed_ids.popleft(), None)
        self._by_id[transaction.id] = transaction

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


def _start_record(transaction: Transaction) -> Record:
    content = transaction.content
    return {
        "kind": "transaction_started",
        "id": transaction.id,
        "identity": content.identity,
        "connector": content.connector,
        "id_tag": content.id_tag,
        "timestamp": content.timestamp,
        "meter_start_wh": content.meter_start_wh,
        "started_at": transaction.started_at.isoformat(),
    }


def _refusal_record(transaction: Transaction) -> Record:
    return {
        "kind": "transaction_refused",
        "id": transaction.id,
        "identity": transaction.identity,
        "status": transaction.refused,
    }


def _stop_record(transaction: Transaction) -> Record:
    return {
        "kind": "transaction_stopped",
        "id": transaction.id,
        "identity": transaction.identity,
        "stopped_at": (transaction.stopped_at or transaction.started_at).isoformat(),
        "meter_stop_wh": transaction.meter_stop_wh,
        "reason": transaction.reason,
    }
