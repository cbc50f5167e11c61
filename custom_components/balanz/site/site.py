"""One running site: chargers, balancing and storage together. Events in, snapshots out."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..balancing.commands import LEASE_S, Command, Kind
from ..balancing.control import Result, State, step
from ..balancing.inputs import Booking, Inputs, Line
from ..balancing.model import ConnectorKey
from ..balancing.phases import PhaseCurrents
from ..balancing.supply import MeterReading
from ..csms.events import (
    ConnectorsCounted,
    LineFreed,
    MeterValuesReceived,
    StationConnected,
    StationDescribed,
    StationDisconnected,
    StationEvent,
    StationPending,
    StationReady,
    StationRefused,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from ..csms.profiles import Limit
from ..csms.server import CentralSystem, ServerSettings
from ..csms.station import LimitAnswer, Station, StationUnreachable
from ..csms.transactions import TransactionBook
from ..storage.journal import Journal, StorageError
from ..storage.ledger import KeptBooking, Ledger, Record
from .live import LiveConnector
from .problems import ProblemWatch
from .settings import SiteSettings
from .snapshot import PendingCharger, Problem, SiteSnapshot
from .snapshot_builder import charger_snapshot, group_snapshots, keys_of
from .topology import build_site, home_of, homes_of

COALESCE_S = 0.02
"""How long events are gathered before a step; many come in one message or one tick."""
RETRY_STEP_S = 1.0
LOWER_RECORD_AFTER_S = 30.0
"""A recorded limit is lowered only this long after it was raised, to spare the disk."""
DISK_RETRY_S = 10.0
"""How often a failing disk is tried again."""
REMEMBERED = 50
"""Unknown chargers to list; strangers must not fill the memory."""
DEFAULT_PAIRING_S = 900.0
DEFAULT_ID_TAG = "balanz"

_LOGGER = logging.getLogger(__name__)

type Subject = tuple[object, ...]


class BalanzSite:
    """One site. All methods are for the event loop that `start` was called in."""

    def __init__(self, *, settings: SiteSettings, storage_path: Path) -> None:
        """Prepare; nothing runs yet. The folder is the site's own."""
        self.on_connectors_counted: Callable[[str, int], None] | None = None
        self._settings = settings
        self._site = build_site(settings)
        self._journal = Journal(storage_path / "journal.jsonl")
        self._ledger = Ledger()
        self._transactions = TransactionBook(self._journal)
        self._central = CentralSystem(
            settings=ServerSettings(host=settings.host, port=settings.port),
            listener=self._on_event,
            transactions=self._transactions,
        )
        self._live: dict[ConnectorKey, LiveConnector] = {}
        self._meters: dict[str, MeterReading | None] = {}
        self._state = State()
        self._pending: dict[str, PendingCharger] = {}
        self._refused: dict[str, None] = {}
        self._recorded_at: dict[ConnectorKey, float] = {}
        self._recording: set[ConnectorKey] = set()
        self._writing: list[Record] = []
        self._lowered: dict[Subject, int] = {}
        self._leaving: frozenset[ConnectorKey] = frozenset()
        self._healer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._pairing_timer: asyncio.TimerHandle | None = None
        self._pairing_until: datetime | None = None
        self._listeners: set[Callable[[], None]] = set()
        self._problems = ProblemWatch(0.0)
        self._running = False
        self._snapshot = SiteSnapshot(
            groups={}, chargers={}, problems=(), pending=(), refused=(), pairing_until=None
        )

    # Life

    async def start(self) -> None:
        """Read back what was recorded, then listen.

        Raises OSError if the port is taken, StorageError if the folder cannot be used.
        """
        records = await self._journal.open()
        try:
            self._ledger.restore(records)
            if self._journal.damaged_lines:
                # What is lost may have been a higher limit than the one that is left.
                self._ledger.limits_a.clear()
            self._transactions.restore(records)
            # A full disk costs all raises, but not the chargers their central system.
            with suppress(StorageError):
                await self._journal.rewrite(
                    [*self._ledger.records(), *self._transactions.records()]
                )
            self._sync_connectors()
            self._central.set_known(charger.identity for charger in self._settings.chargers)
            self._running = True
            self._problems = ProblemWatch(self._now())
            self._step()
            await self._central.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Send nothing more, close all sockets, and leave everything on disk."""
        self._running = False
        self._cancel_timers()
        await self._central.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._journal.close()

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return self._central.port

    @property
    def snapshot(self) -> SiteSnapshot:
        """The newest snapshot; the same object until something changes."""
        return self._snapshot

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after each new snapshot, until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    # What the user and the sensors say

    async def apply(self, settings: SiteSettings) -> None:
        """Take over changed settings without dropping the socket of any charger that stays.

        Raises SiteError, and changes nothing, if the groups make no tree; StorageError, and
        changes nothing, if a booking that has to stay cannot be recorded. One call at a time.
        """
        site = build_site(settings)
        await self._keep_bookings(settings)
        # From here on nothing is awaited, so that nobody sees half of the change.
        self._note_new_maxima(settings)
        self._release_returned(self._settings, settings)
        self._settings = settings
        self._site = site
        identities = {charger.identity for charger in settings.chargers}
        for identity in {key.charger for key in self._live} - identities:
            self._journal.append_soon(self._ledger.apply(self._ledger.note_forgotten(identity)))
        self._sync_connectors()
        for identity in identities:
            self._pending.pop(identity, None)
            self._refused.pop(identity, None)
        self._central.set_known(identities)
        self._step()

    def report_meter(self, group_id: str, currents: PhaseCurrents | None) -> None:
        """Take in a reading of a group's meter, import positive; None: it tells nothing now."""
        if currents is None or not all(map(isfinite, currents)):
            self._meters[group_id] = None
        else:
            self._meters[group_id] = MeterReading(currents=currents, at=self._now())
        self._schedule(COALESCE_S)

    async def set_capacity(self, group_id: str, capacity_a: float) -> None:
        """Set a group's capacity. Raises ValueError below 0 or above the rating."""
        group = self._site.groups[group_id]
        if not 0 <= capacity_a <= group.rating_a:
            raise ValueError(f"{capacity_a} A is not within 0 and {group.rating_a} A")
        raising = capacity_a > self._capacity_a(group_id)
        await self._change(self._ledger.note_capacity(group_id, capacity_a), raising=raising)

    async def set_maximum(self, key: ConnectorKey, maximum_a: float) -> None:
        """Set a connector's maximum. Raises ValueError below 0 or above its rating."""
        live = self._live[key]
        if not 0 <= maximum_a <= live.connector.rating_a:
            raise ValueError(f"{maximum_a} A is not within 0 and {live.connector.rating_a} A")
        raising = maximum_a > live.maximum_a
        await self._change(self._ledger.note_maximum(key, maximum_a), raising=raising)

    async def set_enabled(self, key: ConnectorKey, enabled: bool) -> None:
        """Let a connector charge, or pause it."""
        await self._change(self._ledger.note_enabled(key, enabled), raising=enabled)

    async def release_booking(self, booking_id: str) -> None:
        """Stop booking current for a charger that the user has seen to be dead."""
        if booking_id in self._ledger.bookings:
            await self._change(self._ledger.note_released(booking_id), raising=True)

    def open_pairing(self, duration_s: float = DEFAULT_PAIRING_S) -> None:
        """Let unknown chargers introduce themselves for a while."""
        self._cancel_pairing_timer()
        self._central.pairing_open = True
        loop = asyncio.get_running_loop()
        self._pairing_timer = loop.call_later(duration_s, self.close_pairing)
        until = datetime.now(UTC) + timedelta(seconds=duration_s)
        self._pairing_until = until.replace(microsecond=0)
        self._step()

    def close_pairing(self) -> None:
        """Refuse unknown chargers again."""
        self._cancel_pairing_timer()
        self._central.pairing_open = False
        self._pending.clear()
        self._step()

    async def remote_start(self, key: ConnectorKey) -> None:
        """Ask a charger to start a transaction. Raises StationError if it cannot or will not."""
        await self._station(key.charger).remote_start(key.connector, DEFAULT_ID_TAG)

    async def remote_stop(self, key: ConnectorKey) -> None:
        """Ask a charger to stop its transaction. Raises StationError if it cannot or will not."""
        await self._station(key.charger).remote_stop(key.connector)

    async def reset(self, identity: str) -> None:
        """Ask a charger to restart. Raises StationError if it cannot or will not."""
        await self._station(identity).reset(hard=False)

    # What the chargers say

    def _on_event(self, event: StationEvent) -> None:
        now = self._now()
        delay_s = COALESCE_S
        match event:
            case StationReady():
                self._each(event.identity, LiveConnector.ready)
            case StationConnected() | StationDisconnected():
                # What is behind a new socket may have restarted, and so have lost its limit.
                self._each(event.identity, LiveConnector.disconnected)
            case (
                StatusChanged()
                | MeterValuesReceived()
                | TransactionStarted()
                | TransactionStopped()
            ):
                live = self._live.get(ConnectorKey(event.identity, event.connector))
                if live is not None:
                    live.take(event, now)
            case StationPending():
                self._pending[event.identity] = PendingCharger(
                    identity=event.identity, boot=event.boot, address=event.address
                )
                _forget_oldest(self._pending)
            case StationRefused():
                self._refused[event.identity] = None
                _forget_oldest(self._refused)
            case ConnectorsCounted():
                self._connectors_counted(event)
            case LineFreed():
                # Whoever waits for this line gets it before anything less urgent is sent on it.
                delay_s = 0.0
            case StationDescribed():
                pass
        self._schedule(delay_s)

    def _connectors_counted(self, event: ConnectorsCounted) -> None:
        charger = next((c for c in self._settings.chargers if c.identity == event.identity), None)
        if charger is None or event.count <= charger.connectors:
            return
        if self.on_connectors_counted is not None:
            self.on_connectors_counted(event.identity, event.count)

    # Steps

    def _schedule(self, delay_s: float) -> None:
        if not self._running:
            return
        at = self._now() + delay_s
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._step)

    def _step(self) -> None:
        if not self._running:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._decide(self._now())
        except Exception:
            # Nobody else would step again, and chargers that wait for a cut must not.
            _LOGGER.exception("A step failed; it is tried again")
            self._schedule(RETRY_STEP_S)

    def _decide(self, now: float) -> None:
        inputs = Inputs(
            capacities_a={group_id: self._capacity_a(group_id) for group_id in self._site.groups},
            meters={
                group.id: self._meters.get(group.id)
                for group in self._site.groups.values()
                if group.metered
            },
            connectors={
                key: live.as_input(self._line(key), now) for key, live in self._live.items()
            },
            bookings=tuple(
                Booking(
                    id=kept.id, group_id=self._known_group(kept.group_id), currents=kept.currents
                )
                for kept in self._ledger.bookings.values()
            ),
            durable=not self._journal.failing,
        )
        result = step(self._site, inputs, self._state, now)
        self._state = result.state
        for command in result.commands:
            self._dispatch(command, now)
        self._keep_records(
            {command.key for command in result.commands if command.kind is Kind.RAISE}, now
        )
        for key, reason in result.reasons.items():
            self._live[key].reason = reason
        self._publish(result, inputs, now)
        if self._journal.failing and (self._healer is None or self._healer.done()):
            self._healer = self._spawn(self._heal_records())
        for wake_at in (result.wake_at, self._problems.next_change(now)):
            if wake_at is not None:
                self._schedule(max(wake_at - now, COALESCE_S))

    def _dispatch(self, command: Command, now: float) -> None:
        """Send a command; a raise whose limit is not on disk yet is recorded instead.

        The step that follows its recording decides again whether it still fits.
        """
        key = command.key
        station = self._central.stations[key.charger]
        if command.kind is not Kind.CUT and station.busy:
            # Another connector's limit has just taken the line. What waits for it may be out of
            # date when it leaves, so it is decided anew once the line is free.
            return
        if command.kind is Kind.RAISE:
            if key in self._leaving or key in self._recording:
                return
            if self._ledger.limits_a.get(key, 0.0) < command.limit_a:
                self._spawn(self._record_limit(key, command.limit_a))
                return
        live = self._live[key]
        live.sending(command.limit_a, now)
        self._spawn(self._send(command, live, station))

    async def _record_limit(self, key: ConnectorKey, limit_a: float) -> None:
        self._recording.add(key)
        try:
            with suppress(StorageError):
                await self._write(self._ledger.note_limit(key, limit_a))
        finally:
            self._recording.discard(key)
        self._recorded_at[key] = self._now()
        self._schedule(0.0)

    def _keep_records(self, raising: Collection[ConnectorKey], now: float) -> None:
        """Bring the recorded limits in line with those that may be in force.

        A higher one is recorded at once, a lower one only when that has lasted.
        """
        for key, live in self._live.items():
            possible_a = live.commitment.largest_possible_a()
            recorded_a = self._ledger.limits_a.get(key)
            if possible_a is None or possible_a == recorded_a or key in self._recording:
                continue
            if recorded_a is None or possible_a > recorded_a:
                if not self._journal.failing:
                    self._spawn(self._record_limit(key, possible_a))
                continue
            recently = now - self._recorded_at.get(key, 0.0)
            if key in raising or recently < LOWER_RECORD_AFTER_S:
                continue
            self._recorded_at[key] = now
            self._journal.append_soon(self._ledger.apply(self._ledger.note_limit(key, possible_a)))

    async def _send(self, command: Command, live: LiveConnector, station: Station) -> None:
        sent = live.commitment.pending
        # A charger that takes nothing but watts gets those of one line: which lines the car uses
        # is not known, and one of them may carry it all.
        limit = Limit(
            limit_a=command.limit_a, fallback_a=live.connector.fallback_a, lease_s=LEASE_S
        )
        answer = await station.set_limit(
            command.key.connector, limit, urgent=command.kind is Kind.CUT
        )
        if live.commitment.pending is not sent:
            # The link went meanwhile; what was on its way is booked as uncertain already.
            return
        now = self._now()
        match answer:
            case LimitAnswer.ACCEPTED:
                live.accepted(now)
            case LimitAnswer.REJECTED:
                live.commitment = live.commitment.rejected(now)
            case LimitAnswer.TIMED_OUT:
                live.commitment = live.commitment.timed_out(now)
            case LimitAnswer.NOT_SENT:
                live.commitment = live.commitment.not_sent(now)
        if answer is not LimitAnswer.ACCEPTED:
            _LOGGER.debug("%s: limit of %s A %s", command.key, command.limit_a, answer)
        self._schedule(0.0)

    def _line(self, key: ConnectorKey) -> Line:
        station = self._central.stations.get(key.charger)
        if station is None or not station.ready:
            return Line.OFFLINE
        if station.busy or self._live[key].commitment.pending is not None:
            return Line.BUSY
        return Line.FREE

    # Snapshots

    def _publish(self, result: Result, inputs: Inputs, now: float) -> None:
        stations = self._central.stations
        problems = self._problems.find(
            site=self._site,
            result=result,
            inputs=inputs,
            live=self._live,
            bookings=self._ledger.bookings.values(),
            journal=self._journal,
            now=now,
        )
        chargers = {
            charger.identity: charger_snapshot(
                charger,
                connected=(station := stations.get(charger.identity)) is not None
                and station.connected,
                boot=None if station is None else station.boot,
                connectors=[self._live[key] for key in keys_of(charger)],
                site=self._site,
                now=now,
            )
            for charger in self._settings.chargers
        }
        snapshot = SiteSnapshot(
            groups=group_snapshots(self._site, result, inputs.capacities_a, self._meters),
            chargers=chargers,
            problems=problems,
            pending=tuple(self._pending.values()),
            refused=tuple(self._refused),
            pairing_until=self._pairing_until,
        )
        if snapshot == self._snapshot:
            return
        self._log_problems(self._snapshot.problems, problems)
        self._snapshot = snapshot
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                # Whoever looks on must cost neither the chargers nor the others anything.
                _LOGGER.exception("A listener failed")

    @staticmethod
    def _log_problems(before: tuple[Problem, ...], after: tuple[Problem, ...]) -> None:
        known = {(problem.kind, problem.subject) for problem in before}
        for problem in after:
            if (problem.kind, problem.subject) not in known:
                _LOGGER.warning("Problem: %s %s", problem.kind, dict(problem.placeholders))

    # Details

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _sync_connectors(self) -> None:
        """Make the live connectors those of the settings."""
        for key in tuple(self._live):
            if key not in self._site.connectors:
                del self._live[key]
        for charger in self._settings.chargers:
            for key in keys_of(charger):
                connector = self._site.connectors[key]
                if (known := self._live.get(key)) is not None:
                    known.configured(connector, charger)
                    continue
                live = LiveConnector(
                    connector,
                    charger,
                    min(self._ledger.maxima_a.get(key, charger.maximum_a), connector.rating_a),
                )
                live.enabled = key not in self._ledger.disabled
                live.restored(self._ledger.limits_a.get(key))
                self._live[key] = live

    async def _keep_bookings(self, settings: SiteSettings) -> None:
        """Book what removed and moved chargers may still be drawing.

        Raises StorageError, and books nothing, if that cannot be recorded.
        """
        homes = homes_of(settings)
        known = {group.id for group in settings.groups}
        leaving = [
            live
            for key, live in self._live.items()
            if homes.get(key) != home_of(live.charger, known)
        ]
        bookings = [self._booking_of(live) for live in leaving]
        records = [self._ledger.note_booking(it) for it in bookings if max(it.currents) > 0]
        self._leaving = frozenset(live.connector.key for live in leaving)
        self._writing += records
        try:
            for record in records:
                await self._journal.append(record)
        except StorageError:
            for booking in bookings:
                self._journal.append_soon(self._ledger.note_released(booking.id))
            raise
        finally:
            self._leaving = frozenset()
            for record in records:
                self._writing.remove(record)
        for record in records:
            self._ledger.apply(record)

    def _booking_of(self, live: LiveConnector) -> KeptBooking:
        booked_a = live.commitment.disconnected().booked_a(live.connector, self._now())
        return KeptBooking(
            id=uuid4().hex,
            charger=live.connector.key.charger,
            charger_name=live.connector.name,
            group_id=live.charger.group_id,
            currents=live.connector.phase_map.spread(booked_a),
        )

    def _release_returned(self, old: SiteSettings, new: SiteSettings) -> None:
        """End the bookings of chargers that are back in their group, and so booked as such."""
        homes = {(charger.identity, charger.group_id) for charger in new.chargers}
        homes -= {(charger.identity, charger.group_id) for charger in old.chargers}
        for booking in tuple(self._ledger.bookings.values()):
            if (booking.charger, booking.group_id) in homes:
                record = self._ledger.note_released(booking.id)
                self._journal.append_soon(self._ledger.apply(record))

    def _note_new_maxima(self, settings: SiteSettings) -> None:
        """Let a maximum that was changed in the settings replace that of the number."""
        old = {charger.identity: charger for charger in self._settings.chargers}
        for charger in settings.chargers:
            known = old.get(charger.identity)
            if known is None or known.maximum_a == charger.maximum_a:
                continue
            for key in keys_of(charger):
                record = self._ledger.note_maximum(key, charger.maximum_a)
                self._journal.append_soon(self._ledger.apply(record))
                if (live := self._live.get(key)) is not None:
                    live.maximum_a = charger.maximum_a

    async def _change(self, record: Record, *, raising: bool) -> None:
        """Make a user's change: recorded before it lets anything rise, after it if it cuts."""
        subject = _subject(record)
        lowered = self._lowered.get(subject, 0)
        if raising:
            await self._write(record, still_wanted=lambda: self._lowered.get(subject, 0) == lowered)
        else:
            # A raise that still waits for the disk comes too late: this is the last word.
            self._lowered[subject] = lowered + 1
            self._journal.append_soon(self._ledger.apply(record))
        for key, live in self._live.items():
            live.enabled = key not in self._ledger.disabled
            maximum_a = self._ledger.maxima_a.get(key, live.maximum_a)
            live.maximum_a = min(maximum_a, live.connector.rating_a)
        self._step()

    async def _write(
        self, record: Record, *, still_wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Record durably, then make the change. Raises StorageError, and changes nothing."""
        self._writing.append(record)
        try:
            await self._journal.append(record)
        finally:
            self._writing.remove(record)
        if still_wanted():
            self._ledger.apply(record)

    async def _heal_records(self) -> None:
        """Try the disk until it works, and record anew what it did not take meanwhile."""
        while self._journal.failing:
            await asyncio.sleep(DISK_RETRY_S)
            for record in (*self._ledger.records(), *self._writing):
                self._journal.append_soon(record)
            with suppress(StorageError):
                await self._journal.append({"kind": "disk_tried"})
        self._schedule(0.0)

    def _capacity_a(self, group_id: str) -> float:
        rating_a = self._site.groups[group_id].rating_a
        return min(self._ledger.capacities_a.get(group_id, rating_a), rating_a)

    def _known_group(self, group_id: str) -> str:
        return group_id if group_id in self._site.groups else self._settings.groups[0].id

    def _each(self, identity: str, change: Callable[[LiveConnector], None]) -> None:
        for key, live in self._live.items():
            if key.charger == identity:
                change(live)

    def _station(self, identity: str) -> Station:
        station = self._central.stations.get(identity)
        if station is None:
            raise StationUnreachable(identity)
        return station

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start at once, so that nothing comes between a decision and the wire."""
        task = asyncio.get_running_loop().create_task(work, eager_start=True)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _cancel_timers(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._cancel_pairing_timer()

    def _cancel_pairing_timer(self) -> None:
        if self._pairing_timer is not None:
            self._pairing_timer.cancel()
            self._pairing_timer = self._pairing_until = None


def _forget_oldest(remembered: dict[str, Any]) -> None:
    while len(remembered) > REMEMBERED:
        del remembered[next(iter(remembered))]


def _subject(record: Record) -> Subject:
    """Return what a user's change is about: the same for two values of one number."""
    return tuple(record.get(name) for name in ("kind", "group", "charger", "connector", "id"))
