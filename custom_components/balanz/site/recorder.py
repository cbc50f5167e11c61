"""What a running site records, and when: before it takes effect, or after (rule 10)."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import suppress

from ..balancing.meter_watch import MeterWatch
from ..balancing.model import ConnectorKey
from ..balancing.phases import PhaseCurrents
from ..storage.journal import Journal, StorageError
from ..storage.ledger import Ledger, Record
from .live import LiveConnector

LOWER_RECORD_AFTER_S = 30.0
"""A recorded limit is lowered only this long after it was raised, to spare the disk."""
DISK_RETRY_S = 10.0
"""How often a failing disk is tried again."""

type Subject = tuple[object, ...]


class Recorder:
    """Brings changes into the ledger and onto the disk, in the order that is safe.

    What lets current rise is on disk first; what cuts takes effect first. Times are the loop's.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        ledger: Ledger,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        on_recorded: Callable[[], None],
    ) -> None:
        """Record nothing yet; `on_recorded` is called once a limit is settled or the disk works."""
        self._journal = journal
        self._ledger = ledger
        self._spawn = spawn
        self._on_recorded = on_recorded
        self._recorded_at: dict[ConnectorKey, float] = {}
        self._recording: set[ConnectorKey] = set()
        self._writing: list[Record] = []
        self._lowered: dict[Subject, int] = {}
        self._kept_hours: dict[str, Mapping[int, PhaseCurrents]] = {}
        self._healer: asyncio.Task[None] | None = None

    # Changes

    def note(self, record: Record) -> None:
        """Make a change that lets nothing rise; the disk follows."""
        self._journal.append_soon(self._ledger.apply(record))

    async def write(
        self, *records: Record, still_wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Record durably, then make the changes. Raises StorageError, and changes nothing."""
        self._writing += records
        try:
            for record in records:
                await self._journal.append(record)
        finally:
            for record in records:
                self._writing.remove(record)
        if still_wanted():
            for record in records:
                self._ledger.apply(record)

    async def change(self, record: Record, *, raising: bool) -> None:
        """Make a user's change: recorded before it lets anything rise, after it if it cuts.

        Raises StorageError, and changes nothing, if a raise cannot be recorded.
        """
        subject = _subject(record)
        lowered = self._lowered.get(subject, 0)
        if raising:
            await self.write(record, still_wanted=lambda: self._lowered.get(subject, 0) == lowered)
        else:
            # A raise that still waits for the disk comes too late: this is the last word.
            self._lowered[subject] = lowered + 1
            self.note(record)

    def keep_worst_hours(self, meters: Mapping[str, MeterWatch]) -> None:
        """Record what was learnt of hours of the week: once an hour at most for each group."""
        for group_id, watch in meters.items():
            hours = watch.memory.hours
            if self._kept_hours.get(group_id) is hours:
                continue
            self._kept_hours[group_id] = hours
            known = self._ledger.worst_hours.get(group_id, {})
            learnt = {hour: load for hour, load in hours.items() if known.get(hour) != load}
            if learnt:
                self.note(self._ledger.note_worst_hours(group_id, learnt))

    # Limits

    def is_recording(self, key: ConnectorKey) -> bool:
        """Return whether a limit of the connector is on its way to the disk."""
        return key in self._recording

    def covers(self, key: ConnectorKey, limit_a: float) -> bool:
        """Return whether what is on disk for the connector is at least this limit."""
        return self._ledger.limits_a.get(key, 0.0) >= limit_a

    def start_recording(self, key: ConnectorKey, limit_a: float) -> None:
        """Record a limit that may come into force, or already may be."""
        self._spawn(self._record_limit(key, limit_a))

    def keep_limits(
        self,
        live: Mapping[ConnectorKey, LiveConnector],
        raising: Collection[ConnectorKey],
        now: float,
    ) -> Iterator[None]:
        """Bring the recorded limits in line with those that may be in force.

        A higher one is recorded at once, a lower one only when that has lasted. Others may have a
        turn at each yield.
        """
        for key, connector in live.items():
            yield
            possible_a = connector.commitment.largest_possible_a()
            recorded_a = self._ledger.limits_a.get(key)
            if possible_a is None or possible_a == recorded_a or key in self._recording:
                continue
            if recorded_a is None or possible_a > recorded_a:
                if not self._journal.failing:
                    self.start_recording(key, possible_a)
                continue
            recently = now - self._recorded_at.get(key, 0.0)
            if key in raising or recently < LOWER_RECORD_AFTER_S:
                continue
            self._recorded_at[key] = now
            self.note(self._ledger.note_limit(key, possible_a))

    async def _record_limit(self, key: ConnectorKey, limit_a: float) -> None:
        self._recording.add(key)
        try:
            with suppress(StorageError):
                await self.write(self._ledger.note_limit(key, limit_a))
        finally:
            self._recording.discard(key)
        self._recorded_at[key] = asyncio.get_running_loop().time()
        self._on_recorded()

    # A failing disk

    def heal(self) -> None:
        """See to it that a failing disk is tried until it works."""
        if self._journal.failing and (self._healer is None or self._healer.done()):
            self._healer = self._spawn(self._heal_records())

    async def _heal_records(self) -> None:
        """Try the disk until it works, and record anew what it did not take meanwhile."""
        while self._journal.failing:
            await asyncio.sleep(DISK_RETRY_S)
            for record in (*self._ledger.records(), *self._writing):
                self._journal.append_soon(record)
            with suppress(StorageError):
                await self._journal.append({"kind": "disk_tried"})
        self._on_recorded()


def _subject(record: Record) -> Subject:
    """Return what a user's change is about: the same for two values of one number."""
    return tuple(
        record.get(name) for name in ("kind", "group", "charger", "connector", "id", "name")
    )
