"""One running site: chargers, balancing and storage together. Events in, snapshots out."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from ..balancing.commands import Kind
from ..balancing.commitments import Commitment
from ..balancing.control import Result, State, step
from ..balancing.inputs import Inputs
from ..balancing.model import ConnectorKey, Site
from ..balancing.phases import PhaseCurrents
from ..csms.capabilities import Capabilities
from ..csms.certificate_authority import CertificateAuthority
from ..csms.events import (
    CapabilitiesLearnt,
    ConnectorsCounted,
    LineFreed,
    MeterValuesReceived,
    StationConnected,
    StationDescribed,
    StationDisconnected,
    StationEvent,
    StationLearnt,
    StationPending,
    StationReady,
    StationRefused,
    StatusChanged,
    TagShown,
    TransactionRefused,
    TransactionStarted,
    TransactionStopped,
)
from ..csms.security_events import SecurityEvent
from ..csms.server import CentralSystem, ServerSettings
from ..csms.tls import TlsSettings
from ..csms.transactions import TransactionBook
from ..storage.journal import Journal, StorageError
from ..storage.ledger import Ledger, Record
from ..storage.plans import Plan
from .dark_watch import DarkWatch
from .dispatch import Dispatcher
from .doorkeeper import Doorkeeper
from .drill import Drills
from .drill_report import DrillReport
from .firmwares import Firmwares
from .foreign_profiles import ForeignProfiles
from .kept_base_loads import KeptBaseLoads
from .kept_energy import KeptEnergy
from .leaving import LeavingChargers
from .live import LiveConnector
from .local_lists import LocalLists
from .meters import Meters, hour_of_week, remembered
from .obedience import Obedience
from .pairing import Pairing
from .plans import Plans
from .problems import ProblemWatch
from .proof import ProofTimes
from .proofs import Proofs
from .recorder import Recorder
from .refusals import Refusals
from .remote_commands import RemoteCommands
from .settings import SiteSettings
from .smart_charging import SmartCharging
from .snapshot import SiteSnapshot
from .snapshot_builder import ChargerSnapshots, group_snapshots, keys_of
from .snapshot_feed import SnapshotFeed
from .tags import SiteTags
from .timetable import Timetable
from .topology import build_site
from .withholding import Withholding

COALESCE_S = 0.02
"""How long events are gathered before a step; many come in one message or one tick."""
PATIENT_ABOVE = 50
PATIENCE_PER_CONNECTOR_S = 0.001
MOST_PATIENCE_S = 0.9
"""Above so many connectors, steps cost so much that news are gathered for longer.

A cut may take a second. What the meters tell, which is why nearly all cuts are made, waits for
nothing.
"""
RETRY_STEP_S = 1.0
DEFAULT_PAIRING_S = 900.0
DEFAULT_TIMES = ProofTimes()

_LOGGER = logging.getLogger(__name__)


class BalanzSite:
    """One site. All methods are for the event loop that `start` was called in."""

    def __init__(
        self,
        *,
        settings: SiteSettings,
        storage_path: Path,
        tls: TlsSettings | None = None,
        authority: CertificateAuthority | None = None,
    ) -> None:
        """Prepare; nothing runs yet. The folder is the site's own.

        With `tls` chargers can come encrypted as well, at a port of its own; with `authority`
        they can get certificates.
        """
        self.on_connectors_counted: Callable[[str, int], None] | None = None
        self._settings = settings
        self._timetable = Timetable()
        self._follow_schedules(settings)
        self._site = build_site(settings, self._timetable.states)
        self._journal = Journal(storage_path / "journal.jsonl")
        self._ledger = Ledger()
        self._transactions = TransactionBook(self._journal)
        self._live: dict[ConnectorKey, LiveConnector] = {}
        self.tags = SiteTags(
            folder=storage_path,
            transactions=self._transactions,
            live=self._live,
            listener=self._on_event,
            on_change=self._tags_changed,
        )
        self._central = CentralSystem(
            settings=ServerSettings(host=settings.host, port=settings.port, tls=tls),
            listener=self._on_event,
            transactions=self._transactions,
            tag_desk=self.tags.desk,
        )
        self._meters = Meters()
        self._state = State()
        self._pairing = Pairing(central=self._central, on_change=self._step)
        self._recorder = Recorder(
            journal=self._journal,
            ledger=self._ledger,
            spawn=self._spawn,
            on_recorded=self._step_soon,
        )
        self.door = Doorkeeper(
            central=self._central,
            ledger=self._ledger,
            recorder=self._recorder,
            spawn=self._spawn,
            on_change=self._step_soon,
            authority=authority,
        )
        """Who gets in: passwords, pinned addresses and security profiles."""
        self._leaving = LeavingChargers(ledger=self._ledger, recorder=self._recorder)
        self._dispatcher = Dispatcher(
            central=self._central,
            live=self._live,
            recorder=self._recorder,
            leaving=self._leaving,
            spawn=self._spawn,
            on_answer=self._step_soon,
        )
        self._firmwares = Firmwares(
            ledger=self._ledger, recorder=self._recorder, central=self._central
        )
        self._proofs = Proofs(
            ledger=self._ledger,
            recorder=self._recorder,
            central=self._central,
            live=self._live,
            spawn=self._spawn,
            rating_fits=self._rating_fits,
            on_change=self._rebuild,
        )
        self._obedience = Obedience(
            central=self._central,
            live=self._live,
            ledger=self._ledger,
            recorder=self._recorder,
            spawn=self._spawn,
            dispatcher=self._dispatcher,
        )
        self._withholding = Withholding(
            central=self._central, live=self._live, dispatcher=self._dispatcher
        )
        self._smart_charging = SmartCharging(
            ledger=self._ledger,
            recorder=self._recorder,
            central=self._central,
            live=self._live,
            meters=self._meters,
            spawn=self._spawn,
            on_change=self._step_soon,
        )
        self._plans = Plans(ledger=self._ledger, recorder=self._recorder, live=self._live)
        self._foreign = ForeignProfiles(
            central=self._central,
            live=self._live,
            ledger=self._ledger,
            recorder=self._recorder,
            is_free=self._smart_charging.is_free,
            rating_fits=lambda identity: self._rating_fits(identity, seen=True),
            on_change=self._step_soon,
        )
        self.remote = RemoteCommands(
            central=self._central, profiles=self._foreign, on_asked_back=self._asked_back
        )
        """What users ask of chargers."""
        self._refusals = Refusals(
            central=self._central, transactions=self._transactions, spawn=self._spawn
        )
        self._local_lists = LocalLists(
            central=self._central, tags=self.tags, is_idle=self._is_idle, spawn=self._spawn
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._feed = SnapshotFeed()
        self._charger_snapshots = ChargerSnapshots()
        self._problems = ProblemWatch(0.0)
        self._dark = DarkWatch()
        self._drills = Drills(ledger=self._ledger, recorder=self._recorder, on_end=self._step)
        self._kept_base_loads = KeptBaseLoads(ledger=self._ledger, recorder=self._recorder)
        self._kept_energy = KeptEnergy(
            ledger=self._ledger, recorder=self._recorder, live=self._live
        )
        self._result: Result | None = None
        self._facts_are_new = False
        self._running = False

    @property
    def on_power(self) -> Callable[[str, bool], None] | None:
        """What to call to switch a charger's power off (False) or on again, by its identity."""
        return self._obedience.on_power

    @on_power.setter
    def on_power(self, listener: Callable[[str, bool], None] | None) -> None:
        self._obedience.on_power = listener

    # Life

    async def start(self) -> None:
        """Read back what was recorded, then listen.

        Raises OSError if the port is taken, StorageError if the folder cannot be used, TlsError
        if the certificates cannot.
        """
        records = await self._journal.open()
        try:
            self._ledger.restore(records)
            if self._journal.damaged_lines:
                # What is lost may have been a higher limit than the one that is left.
                self._ledger.limits_a.clear()
            self.door.forget_strangers(self._settings)
            self._drills.restore()
            self._transactions.restore(records)
            await self.tags.open()
            utc = datetime.now(UTC)
            heard_at = self._kept_base_loads.heard_at(utc, self._now())
            self._state = State(
                base_loads=self._kept_base_loads.restored(utc),
                meters=remembered(self._ledger.worst_hours, heard_at),
            )
            # A full disk costs all raises, but not the chargers their central system.
            with suppress(StorageError):
                await self._journal.rewrite(
                    [*self._ledger.records(), *self._transactions.records()]
                )
            self._site = self._build(self._settings)
            self._sync_connectors()
            if self.tags.follow(self._settings, self._site):
                # Chargers may have been moved since; their lists do not tell.
                self._spawn(self.tags.moved())
            self.door.open(self._settings)
            self._firmwares.configure(self._settings.chargers)
            self._restore_capabilities()
            self._firmwares.restarted()
            self._refusals.resume()
            self._running = True
            self._problems = ProblemWatch(self._now())
            self._step()
            await self._central.start()
            # How long the certificates last is known only now.
            self._step_soon()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave chargers where they are safe alone, close all sockets, and all on disk."""
        if self._running:
            self._kept_base_loads.keep_now(self._state.base_loads, datetime.now(UTC))
            self._obedience.keep_cards(self._now(), every_s=0.0)
            self._kept_energy.keep(self._now(), every_s=0.0)
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pairing.cancel_timer()
        self._local_lists.stop()
        self._drills.abort()
        await self._dispatcher.hand_over()
        await self._central.stop()
        self.tags.desk.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.tags.close()
        await self._journal.close()

    @property
    def running(self) -> bool:
        """Whether it has been started and not been stopped."""
        return self._running

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return self._central.port

    @property
    def snapshot(self) -> SiteSnapshot:
        """The newest snapshot; the same object until something changes."""
        return self._feed.newest

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after each new snapshot, until the returned function is called."""
        return self._feed.subscribe(listener)

    # What the user and the sensors say

    async def apply(self, settings: SiteSettings) -> None:
        """Take over changed settings without dropping the socket of any charger that stays.

        Raises SiteError, and changes nothing, if the groups make no tree; StorageError, and
        changes nothing, if a booking that has to stay cannot be recorded. One call at a time.
        """
        site = build_site(settings)
        await self._leaving.keep_bookings(self._live, settings, site, self._now())
        # From here on nothing is awaited, so that nobody sees half of the change.
        self._note_new_maxima(settings)
        self._leaving.release_returned(self._settings, settings)
        self._settings = settings
        self._follow_schedules(settings)
        self._site = self._build(settings)
        identities = {charger.identity for charger in settings.chargers}
        for identity in {key.charger for key in self._live} - identities:
            self._proofs.cancel(identity)
            self._recorder.note(self._ledger.note_forgotten(identity))
        self._sync_connectors()
        if self.tags.follow(settings, self._site):
            self._spawn(self.tags.moved())
        self._pairing.forget(identities)
        self.door.open(settings)
        self._firmwares.configure(settings.chargers)
        self._step()

    def report_meter(
        self,
        group_id: str,
        currents: PhaseCurrents | None,
        *,
        age_s: float = 0.0,
        fresh_for_s: float = inf,
    ) -> None:
        """Take in a reading of a group's meter, import positive; None: it tells nothing now.

        `age_s` is how long ago its source was last heard of; `fresh_for_s` for how long it tells
        what flows, should nothing more be reported.
        """
        self._meters.report(group_id, currents, self._now(), age_s=age_s, fresh_for_s=fresh_for_s)
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

    async def set_smart_charging(self, group_id: str, on: bool) -> None:
        """Balance a group, or leave its chargers, and those of all groups inside it, to themselves.

        Raises StorageError, and changes nothing, if leaving them cannot be recorded.
        """
        await self._change(self._ledger.note_smart_charging(group_id, on), raising=not on)

    async def set_plan(self, key: ConnectorKey, plan: Plan) -> None:
        """Plan a car's departure, its energy, or that it goes first for a while.

        Raises PlanRefused for times that cannot be, StorageError if it cannot be recorded.
        """
        await self._plans.change(key, plan)
        self._step()

    async def set_enabled(self, key: ConnectorKey, enabled: bool) -> None:
        """Let a connector charge, or pause it."""
        await self._change(self._ledger.note_enabled(key, enabled), raising=enabled)
        if enabled:
            self._asked_back(key)

    def set_session_priority(self, key: ConnectorKey, priority: int | None) -> bool:
        """Set the priority of the running transaction; None for that of its tag or charger.

        Return whether one runs; without one nothing changes.
        """
        live = self._live[key]
        if live.transaction is None:
            return False
        live.session_priority = priority
        self._step_soon()
        return True

    async def release_booking(self, booking_id: str) -> None:
        """Stop booking current for a charger that the user has seen to be dead."""
        if booking_id in self._ledger.bookings:
            await self._change(self._ledger.note_released(booking_id), raising=True)

    def open_pairing(self, duration_s: float = DEFAULT_PAIRING_S) -> None:
        """Let unknown chargers introduce themselves for a while."""
        self._pairing.open(duration_s)

    def close_pairing(self) -> None:
        """Refuse unknown chargers again."""
        self._pairing.close()

    async def prove_fallback(self, identity: str, *, times: ProofTimes = DEFAULT_TIMES) -> None:
        """Begin to try out what a charger does with a limit that nobody renews.

        It takes some minutes, in which the charger restarts; a car that comes ends it. Raises
        ProofRefused if it cannot begin now, StorageError if that cannot be recorded.
        """
        await self._proofs.start(identity, times)
        self._step()

    def cancel_proof(self, identity: str) -> None:
        """End a charger's proof, if one runs."""
        self._proofs.cancel(identity)

    def start_drill(self, group_id: str) -> asyncio.Future[DrillReport]:
        """Pretend for a minute that a group carries less, and watch how its chargers do.

        The report comes after that minute; a site that is stopped meanwhile cancels it. Raises
        DrillError if a drill runs, nothing charges there or the group's supply is not known.
        """
        view = None if self._result is None else self._result.groups.get(group_id)
        drill = self._drills.begin(self._site, group_id, view, self._live, self._now())
        self._step()
        return drill.ended

    # What the chargers say

    def _on_event(self, event: StationEvent) -> None:
        now = self._now()
        delay_s = COALESCE_S
        match event:
            case StationReady():
                self._each(event.identity, LiveConnector.ready)
                self._local_lists.charger_changed(event.identity)
                self.door.ready(event.identity)
            case CapabilitiesLearnt():
                told = event.capabilities.as_record()
                self._recorder.note(self._ledger.note_capabilities(event.identity, told))
            case StationConnected() | StationDisconnected():
                # What is behind a new socket may have restarted, and so have lost its limit.
                self._each(event.identity, LiveConnector.disconnected)
            case (
                StatusChanged()
                | MeterValuesReceived()
                | TransactionStarted()
                | TransactionStopped()
            ):
                self._take(event, now)
            case SecurityEvent():
                self.door.take(event)
            case StationPending() | StationRefused():
                self._pairing.take(event)
            case ConnectorsCounted():
                self._connectors_counted(event)
            case LineFreed():
                # Whoever waits for this line gets it before anything less urgent is sent on it.
                delay_s = 0.0
            case StationDescribed():
                if self._firmwares.booted(event.identity, event.boot):
                    self._proofs.firmware_changed(event.identity)
            case TransactionRefused():
                self._refuse(event)
            case TagShown():
                self.tags.shown(event)
            case StationLearnt():
                self._firmwares.learnt(event.identity, event.memory)
        self._schedule(max(delay_s, self._patience_s))

    def _take(
        self,
        event: StatusChanged | MeterValuesReceived | TransactionStarted | TransactionStopped,
        now: float,
    ) -> None:
        """Take in what a charger said of a connector."""
        live = self._live.get(ConnectorKey(event.identity, event.connector))
        if live is not None:
            live.take(event, now)
            self.tags.give_to(live)
            if not isinstance(event, MeterValuesReceived):
                self._local_lists.charger_changed(event.identity)
            self._proofs.look(event.identity)
        if isinstance(event, TransactionStarted | TransactionStopped):
            self._foreign.take(event)

    def _refuse(self, event: TransactionRefused) -> None:
        live = self._live.get(ConnectorKey(event.identity, event.connector))
        if live is not None:
            live.refused(event.transaction_id)
        self._refusals.refused(event.identity, event.transaction_id)

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

    @property
    def _patience_s(self) -> float:
        """How long what may wait does so, that more of it shares a step; 0 at usual sites."""
        extra = max(len(self._live) - PATIENT_ABOVE, 0)
        return min(PATIENCE_PER_CONNECTOR_S * extra, MOST_PATIENCE_S)

    def _step_soon(self) -> None:
        self._schedule(self._patience_s)

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
        if self._timetable.look(datetime.now(UTC)) or self._facts_are_new:
            self._site = self._build(self._settings)
        if self._facts_are_new:
            self._facts_are_new = False
            for key, live in self._live.items():
                live.connector = self._site.connectors[key]
        self._plans.apply(now)
        inputs = self._inputs(now)
        result = step(self._site, inputs, self._state, now)
        self._state = result.state
        self._result = result
        if self._drills.running is not None:
            self._drills.running.observe(self._live)
        for command in result.commands:
            self._dispatcher.dispatch(command, now)
        self._dispatcher.follow_lines(now)
        raising = {command.key for command in result.commands if command.kind is Kind.RAISE}
        self._recorder.keep_limits(self._live, raising, now)
        self._recorder.keep_worst_hours(self._state.meters)
        if self._obedience.look(self._site, result, now):
            self._schedule(COALESCE_S)
        self._withholding.look(now)
        self._obedience.keep_cards(now)
        self._kept_energy.keep(now)
        for key, reason in result.reasons.items():
            self._live[key].reason = reason
        self._smart_charging.look(self._site, result.groups, now)
        self._publish(result, inputs, now)
        self._kept_base_loads.keep(self._state.base_loads, now, datetime.now(UTC))
        self._recorder.heal()
        schedule_at = now + self._timetable.wait_s(datetime.now(UTC))
        boost_s = self._plans.next_change_s()
        boost_ends_at = None if boost_s is None else now + boost_s
        wake_times = (
            result.wake_at,
            self._problems.next_change(now),
            self.door.next_change(now),
            schedule_at,
            boost_ends_at,
        )
        for wake_at in wake_times:
            if wake_at is not None:
                self._schedule(max(wake_at - now, COALESCE_S))

    def _inputs(self, now: float) -> Inputs:
        """Return everything that a step looks at."""
        return Inputs(
            capacities_a={
                group_id: self._capacity_now_a(group_id) for group_id in self._site.groups
            },
            meters={
                group.id: self._meters.reading(group.id)
                for group in self._site.groups.values()
                if group.metered
            },
            connectors=self._smart_charging.inputs(
                {
                    key: live.as_input(self._dispatcher.line(key), now)
                    for key, live in self._live.items()
                },
                now,
            ),
            hour_of_week=hour_of_week(self._settings.time_zone),
            bookings=(
                *self._leaving.bookings(self._site),
                *self._smart_charging.bookings(self._site, now),
            ),
            durable=not self._journal.failing,
        )

    def _rating_fits(self, identity: str, *, seen: bool = False) -> bool:
        """Return whether a charger could be booked at its rating now, without a cut elsewhere.

        With `seen`, only where the supply of all its groups is known as well.
        """
        now = self._now()
        inputs = self._inputs(now)
        blank = Commitment(online=True)
        supposed = {
            key: replace(known, commitment=blank) if key.charger == identity else known
            for key, known in inputs.connectors.items()
        }
        result = step(self._site, replace(inputs, connectors=supposed), self._state, now)
        group_ids = {
            group_id
            for key, connector in self._site.connectors.items()
            if key.charger == identity
            for group_id in self._site.routes.paths[connector.group_id]
            if not self._site.groups[group_id].enforced
        }
        views = [result.groups[group_id] for group_id in group_ids]
        return all(it.within_limit and (it.available is not None or not seen) for it in views)

    def _rebuild(self) -> None:
        """Have the next step build the site anew with what is known of its chargers now."""
        self._facts_are_new = True
        self._step_soon()

    # Snapshots

    def _publish(self, result: Result, inputs: Inputs, now: float) -> None:
        capacities_a = {group_id: self._capacity_a(group_id) for group_id in self._site.groups}
        dark = self._dark.look(
            site=self._site,
            capacities_a=capacities_a,
            result=result,
            live=self._live,
            bookings=self._leaving.bookings(self._site),
            now=now,
        )
        problems = self._problems.find(
            site=self._site,
            result=result,
            inputs=inputs,
            live=self._live,
            bookings=self._ledger.bookings.values(),
            journal=self._journal,
            dark=dark,
            now=now,
        )
        chargers = {
            charger.identity: self._charger_snapshots.of(
                charger,
                station=self._central.stations.get(charger.identity),
                connectors=[self._live[key] for key in keys_of(charger)],
                proof=self._proofs.snapshot(charger.identity),
                plans=self._plans,
                site=self._site,
                now=now,
            )
            for charger in self._settings.chargers
        }
        snapshot = SiteSnapshot(
            groups=group_snapshots(
                self._site,
                result,
                capacities_a,
                self._meters,
                self._drills,
                self._smart_charging,
            ),
            chargers=chargers,
            problems=(*problems, *self.door.problems(datetime.now(UTC))),
            pending=self._pairing.pending,
            refused=self._pairing.refused,
            pairing_until=self._pairing.until,
            dark_budget=dark,
        )
        self._feed.publish(snapshot)

    # Details

    def _tags_changed(self) -> None:
        self._local_lists.tags_changed()
        self._step_soon()

    def _is_idle(self, identity: str) -> bool:
        """Return whether nothing charges at a charger, or is about to."""
        return not any(
            live.transaction is not None or live.plugged_in_and_allowed
            for key, live in self._live.items()
            if key.charger == identity
        )

    def _build(self, settings: SiteSettings) -> Site:
        identities = [charger.identity for charger in settings.chargers]
        proofs = self._proofs.of_chargers(identities)
        quirks = {
            charger.identity: self._firmwares.quirks(charger) for charger in settings.chargers
        }
        return build_site(settings, self._timetable.states, proofs, quirks)

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
                live.energy = self._kept_energy.restored(key)
                self._live[key] = live
                self._obedience.restore(key, self._now())
                self._foreign.restore(key)
        self._smart_charging.follow(self._site)

    def _restore_capabilities(self) -> None:
        """Spare chargers that are known a first limit in a form that may not be theirs."""
        for identity, record in self._ledger.capabilities.items():
            station = self._central.stations.get(identity)
            if station is not None:
                with suppress(KeyError, TypeError, ValueError):
                    station.capabilities = Capabilities.from_record(record)

    def _note_new_maxima(self, settings: SiteSettings) -> None:
        """Let a maximum that was changed in the settings replace that of the number."""
        old = {charger.identity: charger for charger in self._settings.chargers}
        for charger in settings.chargers:
            known = old.get(charger.identity)
            if known is None or known.maximum_a == charger.maximum_a:
                continue
            for key in keys_of(charger):
                self._recorder.note(self._ledger.note_maximum(key, charger.maximum_a))
                if (live := self._live.get(key)) is not None:
                    live.maximum_a = charger.maximum_a

    async def _change(self, record: Record, *, raising: bool) -> None:
        await self._recorder.change(record, raising=raising)
        for key, live in self._live.items():
            live.enabled = key not in self._ledger.disabled
            maximum_a = self._ledger.maxima_a.get(key, live.maximum_a)
            live.maximum_a = min(maximum_a, live.connector.rating_a)
        self._smart_charging.follow(self._site)
        self._step()

    def _asked_back(self, key: ConnectorKey) -> None:
        if key in self._live:
            self._obedience.asked_back(key)
            self._schedule(COALESCE_S)

    def _capacity_a(self, group_id: str) -> float:
        rating_a = self._site.groups[group_id].rating_a
        return min(self._ledger.capacities_a.get(group_id, rating_a), rating_a)

    def _capacity_now_a(self, group_id: str) -> float:
        """Return a group's capacity, or what its schedule or a drill leaves of it at this time."""
        capacity_a = self._drills.pretended_a(group_id, self._capacity_a(group_id))
        scheduled = self._timetable.states.get(group_id)
        return capacity_a if scheduled is None else min(capacity_a, scheduled.capacity_a)

    def _follow_schedules(self, settings: SiteSettings) -> None:
        known = {group.id for group in settings.groups}
        schedules = {
            group_id: schedule
            for group_id, schedule in settings.schedules.items()
            if group_id in known
        }
        self._timetable.set_schedules(schedules, settings.time_zone, settings.holidays)
        self._timetable.look(datetime.now(UTC))

    def _each(self, identity: str, change: Callable[[LiveConnector], None]) -> None:
        for key, live in self._live.items():
            if key.charger == identity:
                change(live)

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start at once, so that nothing comes between a decision and the wire."""
        task = asyncio.get_running_loop().create_task(work, eager_start=True)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
