"""What back offices have to be told later: a queue for each charger, in order, behind a journal.

Starts and stops of transactions are never given up for lack of room; meter values go first.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .journal import Journal, StorageError

MAX_CALLS = 20_000
"""Calls of a charger that may wait, starts and stops not counted."""
MAX_BYTES = 50 * 1024 * 1024
"""Of all that waits for one charger."""
MAX_IDS = 1000
"""Of transactions that nothing waits of; as many that have ended, and that have not."""
MAX_TAGS = 1000
DISK_RETRY_S = 10.0
"""How often a failing disk is tried again."""
_SPARE_RECORDS = 2000
"""So many records more than are needed may be in the file before it is written anew."""
_USUAL_LENGTH = 500
"""Of a record; one that is longer counts as several."""
_TRIM_EVERY = 100
"""How many ids more than have to be known are let come together before some are forgotten."""

type Record = dict[str, Any]

_LOGGER = logging.getLogger(__name__)


class Kept(StrEnum):
    """How much a call matters once it has to wait."""

    TRANSACTION = "transaction"
    """For ever: a start or stop."""
    CRITICAL = "critical"
    """As long as there is room, and told again where there was no answer."""
    EVENT = "event"
    """As long as there is room."""
    NEWEST = "newest"
    """Only the newest of the same subject."""
    SAMPLE = "sample"
    """As one of many: every other one may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCall:
    """A call that the back office has not answered yet."""

    id: str
    """Its message id, the same each time that it is tried."""
    action: str
    payload: str
    """As JSON, as the charger wrote it."""
    kept: Kept
    transaction_id: int | None = None
    """That of balanz, which the payload may speak of."""
    subject: str = ""
    """What the newest call replaces the older ones of."""

    def as_record(self, leg: str) -> Record:
        """Return what is recorded of it."""
        return {
            "kind": "call",
            "leg": leg,
            "id": self.id,
            "action": self.action,
            "payload": self.payload,
            "kept": self.kept.value,
            "transaction": self.transaction_id,
            "subject": self.subject,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> WaitingCall:
        """Return the call of a record. Raises KeyError or ValueError."""
        transaction_id = record["transaction"]
        return cls(
            id=str(record["id"]),
            action=str(record["action"]),
            payload=str(record["payload"]),
            kept=Kept(record["kept"]),
            transaction_id=None if transaction_id is None else int(transaction_id),
            subject=str(record["subject"]),
        )


class UpstreamQueue:
    """What waits for the back office of one charger, and what is remembered of it."""

    def __init__(self, ledger: UpstreamLedger, leg: str) -> None:
        """Start empty, as on the first day."""
        self.facts: dict[str, str] = {}
        """What else has to outlive a restart, by name."""
        self.ids: OrderedDict[int, int | None] = OrderedDict()
        """What the back office calls each transaction that it was told of, or is to be told of.

        None before it has said, and of those that it does not take.
        """
        self.stopped: OrderedDict[int, None] = OrderedDict()
        """The transactions whose stop is in the queue, or was."""
        self.tags: OrderedDict[str, str] = OrderedDict()
        """What the back office said of tags, as JSON, by the key of each."""
        self.parked = 0
        """Starts and stops that the back office refuses to take."""
        self.thinned = 0
        """Calls that were given up for lack of room."""
        self._ledger = ledger
        self._leg = leg
        self._calls: OrderedDict[str, WaitingCall] = OrderedDict()
        self._on_disk: set[str] = set()
        self._bytes = 0
        self._trim_at = 2 * MAX_IDS + _TRIM_EVERY

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def first(self) -> WaitingCall | None:
        """The call that is next."""
        return next(iter(self._calls.values()), None)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    async def put_durably(self, call: WaitingCall) -> None:
        """Queue a call, and return once it is on disk.

        Raises StorageError if it is not; it waits all the same, and gets there once the disk works
        again. It may be queued again until then.
        """
        self._add(call)
        self._on_disk.add(call.id)
        try:
            await self._ledger.write(call.as_record(self._leg))
        except StorageError:
            self._on_disk.discard(call.id)
            raise

    def unsaved(self) -> list[WaitingCall]:
        """Return the starts and stops that wait in memory alone, since the disk fails."""
        return [
            call
            for call in self._calls.values()
            if call.kept is Kept.TRANSACTION and call.id not in self._on_disk
        ]

    def saved(self, calls: Iterable[WaitingCall]) -> None:
        """Learn that calls are on disk now."""
        for call in calls:
            if call.id in self._calls:
                self._on_disk.add(call.id)
            else:
                # It was answered while the disk was busy with it.
                self._ledger.write_soon({"kind": "done", "leg": self._leg, "id": call.id})

    def put(self, call: WaitingCall, *, on_disk: bool) -> None:
        """Queue a call; `on_disk` where it may have to wait for long."""
        self._add(call)
        if on_disk and call.id in self._calls:
            self._keep(call)

    def keep_all(self) -> None:
        """Put on disk what is not there yet, since it may have to wait for long.

        Starts and stops are there, or get there once the disk takes them.
        """
        for call in self._calls.values():
            if call.id not in self._on_disk and call.kept is not Kept.TRANSACTION:
                self._keep(call)

    def done(self, call: WaitingCall, *, upstream_id: int | None = None) -> None:
        """Take a call out that was answered; `upstream_id` where a start was."""
        self._remove(call)
        record: Record = {"kind": "done", "leg": self._leg, "id": call.id}
        if upstream_id is not None and call.transaction_id is not None:
            self._learn(call.transaction_id, upstream_id)
            record |= {"transaction": call.transaction_id, "upstream": upstream_id}
        if call.id in self._on_disk or upstream_id is not None:
            self._on_disk.discard(call.id)
            self._ledger.write_soon(record)
        self._trim()

    def park(self, call: WaitingCall) -> None:
        """Give up a call that the back office refuses again and again."""
        self.done(call)
        self.parked += call.kept is Kept.TRANSACTION
        if call.action == "StartTransaction" and call.transaction_id is not None:
            self._ledger.write_soon(self._ids(call.transaction_id))

    def is_lost(self, call: WaitingCall) -> bool:
        """Return whether a call is about a transaction that the back office did not take."""
        own = call.transaction_id
        return (
            call.action != "StartTransaction" and own is not None and self.ids.get(own, 0) is None
        )

    def remember(self, name: str, value: str) -> None:
        """Keep a fact."""
        if self.facts.get(name) != value:
            self.facts[name] = value
            self._ledger.write_soon(self._fact(name))

    def forget(self, name: str) -> None:
        """Forget a fact."""
        if self.facts.pop(name, None) is not None:
            self._ledger.write_soon({"kind": "fact_forgotten", "leg": self._leg, "name": name})

    def remember_tag(self, key: str, told: str) -> None:
        """Keep what the back office said of a tag."""
        if self.tags.get(key) == told:
            return
        self._take_tag(key, told)
        self._ledger.write_soon(self._tag(key))

    def forget_tags(self) -> None:
        """Forget all that the back office said of tags."""
        self.tags.clear()
        self._ledger.write_soon({"kind": "tags_forgotten", "leg": self._leg})

    def records(self) -> Iterator[Record]:
        """Yield the records that make this state."""
        for name in self.facts:
            yield self._fact(name)
        for key in self.tags:
            yield self._tag(key)
        for own in self.ids:
            yield self._ids(own)
        yield {"kind": "stopped", "leg": self._leg, "transactions": list(self.stopped)}
        for call in self._calls.values():
            if call.id in self._on_disk or call.kept is Kept.TRANSACTION:
                yield call.as_record(self._leg)

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a record. Raises KeyError, TypeError or ValueError."""
        match record["kind"]:
            case "call":
                call = WaitingCall.from_record(record)
                self._add(call)
                self._on_disk.add(call.id)
            case "done":
                done = self._calls.get(str(record["id"]))
                if done is not None:
                    self._remove(done)
                    self._on_disk.discard(done.id)
                if "upstream" in record:
                    self._learn(int(record["transaction"]), int(record["upstream"]))
            case "ids":
                upstream = record["upstream"]
                self._learn(int(record["transaction"]), None if upstream is None else int(upstream))
            case "stopped":
                self.stopped.update(dict.fromkeys(int(one) for one in record["transactions"]))
            case "fact":
                self.facts[str(record["name"])] = str(record["value"])
            case "fact_forgotten":
                self.facts.pop(str(record["name"]), None)
            case "tag":
                self._take_tag(str(record["tag"]), str(record["told"]))
            case "tags_forgotten":
                self.tags.clear()

    def _add(self, call: WaitingCall) -> None:
        if call.kept is Kept.NEWEST:
            for older in list(self._calls.values())[1:]:
                # The first one may be under way.
                if older.kept is Kept.NEWEST and older.subject == call.subject:
                    self.done(older)
        if call.id not in self._calls:
            self._bytes += len(call.payload)
        self._calls[call.id] = call
        if call.kept is Kept.TRANSACTION and call.transaction_id is not None:
            if call.action == "StartTransaction":
                self.ids.setdefault(call.transaction_id, None)
            else:
                self.stopped[call.transaction_id] = None
        if len(self._calls) > MAX_CALLS or self._bytes > MAX_BYTES:
            self._thin()

    def _thin(self) -> None:
        """Give up every other sample; without samples, the oldest of what matters least."""
        waiting = list(self._calls.values())[1:]

        def of(*kept: Kept) -> list[WaitingCall]:
            return [call for call in waiting if call.kept in kept]

        spare = of(Kept.SAMPLE)[::2] or of(Kept.EVENT, Kept.NEWEST)[:100] or of(Kept.CRITICAL)[:100]
        for call in spare:
            self.done(call)
        self.thinned += len(spare)

    def _remove(self, call: WaitingCall) -> None:
        if self._calls.pop(call.id, None) is not None:
            self._bytes -= len(call.payload)

    def _keep(self, call: WaitingCall) -> None:
        self._on_disk.add(call.id)
        self._ledger.write_soon(call.as_record(self._leg))

    def _learn(self, own: int, upstream: int | None) -> None:
        self.ids[own] = upstream

    def _trim(self) -> None:
        """Forget the oldest transactions of which nothing will be told any more."""
        if len(self.ids) + len(self.stopped) < self._trim_at:
            return
        waiting = {it.transaction_id for it in self._calls.values()}
        over = [own for own in self.stopped if own not in waiting]
        # Of some the end is never told, yet not so many are open at once.
        unended = [own for own in self.ids if own not in self.stopped and own not in waiting]
        for own in (*over[:-MAX_IDS], *unended[:-MAX_IDS]):
            self.stopped.pop(own, None)
            self.ids.pop(own, None)
        self._trim_at = len(self.ids) + len(self.stopped) + _TRIM_EVERY

    def _take_tag(self, key: str, told: str) -> None:
        self.tags[key] = told
        self.tags.move_to_end(key)
        if len(self.tags) > MAX_TAGS:
            self.tags.popitem(last=False)

    def _ids(self, own: int) -> Record:
        upstream = self.ids[own]
        return {"kind": "ids", "leg": self._leg, "transaction": own, "upstream": upstream}

    def _fact(self, name: str) -> Record:
        return {"kind": "fact", "leg": self._leg, "name": name, "value": self.facts[name]}

    def _tag(self, key: str) -> Record:
        return {"kind": "tag", "leg": self._leg, "tag": key, "told": self.tags[key]}


class UpstreamLedger:
    """The queues of all chargers, in one file."""

    def __init__(self, journal: Journal) -> None:
        """Stay empty until `open`."""
        self._journal = journal
        self._queues: dict[str, UpstreamQueue] = {}
        self._spare = 0
        self._rewriting: asyncio.Task[None] | None = None
        self._healer: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Read back what was recorded. Raises StorageError."""
        for record in await self._journal.open():
            try:
                self.queue(str(record["leg"])).restore(record)
            except KeyError, TypeError, ValueError:
                continue
        await self._rewrite()

    async def close(self) -> None:
        """Write what is still queued, and close the file."""
        self._closed = True
        if self._healer is not None:
            self._healer.cancel()
            await asyncio.wait((self._healer,))
        if self._rewriting is not None:
            await self._rewriting
        if self.failing:
            await self._rewrite()
        await self._journal.close()

    @property
    def failing(self) -> bool:
        """Whether the disk did not take what it was asked to last."""
        return self._journal.failing

    def queue(self, leg: str) -> UpstreamQueue:
        """Return the queue of a charger and its back office, by a name for both."""
        if leg not in self._queues:
            self._queues[leg] = UpstreamQueue(self, leg)
        return self._queues[leg]

    async def write(self, record: Record) -> None:
        """Return once a record is on disk. Raises StorageError."""
        self._count(record)
        try:
            await self._journal.append(record)
        except StorageError:
            self._heal()
            raise

    def write_soon(self, record: Record) -> None:
        """Put a record on disk without waiting for it."""
        self._count(record)
        self._journal.append_soon(record)

    def _count(self, record: Record) -> None:
        """Write the file anew once most of it is of no use any more."""
        if self.failing:
            self._heal()
        texts = (value for value in record.values() if isinstance(value, str))
        self._spare += 1 + sum(map(len, texts)) // _USUAL_LENGTH
        if self._spare > _SPARE_RECORDS + sum(map(len, self._queues.values())):
            self._spare = 0
            self._rewriting = asyncio.get_running_loop().create_task(self._rewrite())

    async def _rewrite(self) -> None:
        self._spare = 0
        unsaved = [(queue, queue.unsaved()) for queue in self._queues.values()]
        # A full disk keeps what is there.
        with suppress(StorageError):
            await self._journal.rewrite(
                record for queue in self._queues.values() for record in queue.records()
            )
            for queue, calls in unsaved:
                queue.saved(calls)

    def _heal(self) -> None:
        """See to it that a failing disk is tried until it works."""
        if not self._closed and (self._healer is None or self._healer.done()):
            self._healer = asyncio.get_running_loop().create_task(self._heal_records())

    async def _heal_records(self) -> None:
        """Try the disk until it works, and write anew what it did not take meanwhile."""
        is_lossy = True
        while is_lossy:
            await asyncio.sleep(DISK_RETRY_S)
            with suppress(StorageError):
                await self._journal.append({"kind": "disk_tried"})
                await self._rewrite()
                is_lossy = self.failing
