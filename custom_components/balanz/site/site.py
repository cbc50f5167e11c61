"""One running site: chargers, balancing and storage together. Events in, snapshots out."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from math import inf
from pathlib import Path
from time import thread_time

from ..balancing.commands import Command, Kind
from ..balancing.control import AllFits, Result, State
from ..balancing.inputs import Inputs
from ..balancing.model import NOMINAL_VOLTAGE_V, ConnectorKey
from ..balancing.phases import PhaseCurrents
from ..csms.capabilities import Capabilities
from ..csms.certificate_authority import CertificateAuthority
from ..csms.events import StationEvent
from ..csms.tls import TlsSettings
from ..storage.journal import StorageError
from ..storage.kept_files import files_kept
from ..storage.plans import Plan
from ..storage.proofs import FirmwareProof
from .drill_report import DrillReport
from .evidence import Evidence, evidence_of
from .meters import remembered
from .news import News
from .proof import ProofTimes
from .rooms import Rooms
from .settings import SiteSettings
from .snapshot import SiteSnapshot
from .snapshot_feed import SnapshotFeed
from .snapshot_maker import SnapshotMaker
from .station_events import StationEvents
from .step_timer import COALESCE_S
from .topology import build_site

_LOGGER = logging.getLogger(__name__)

DEFAULT_PAIRING_S = 900.0
DEFAULT_TIMES = ProofTimes()


class BalanzSite:
    """One site. All methods are for the event loop that `start` was called in."""

    def __init__(
        self,
        *,
        settings: SiteSettings,
        storage_path: Path,
        files_path: Path | None = None,
        tls: TlsSettings | None = None,
        authority: CertificateAuthority | None = None,
        expected_files: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare; nothing runs yet. The folder is the site's own.

        `expected_files` are the names of those that were in it when the site ran before: one that
        has gone is told of.

        `files_path` is where the user finds what chargers load up, and puts what they are to load
        down; None for the same folder.

        With `tls` chargers can come encrypted as well, at a port of its own; with `authority`
        they can get certificates.
        """
        self._rooms = Rooms(
            settings=settings,
            storage_path=storage_path,
            files_path=files_path or storage_path,
            tls=tls,
            authority=authority,
            listener=self._on_event,
            step=self._step,
        )
        self._folder = storage_path
        self._expected_files = expected_files
        self._events = StationEvents(self._rooms)
        self._snapshots = SnapshotMaker(self._rooms)
        self._feed = SnapshotFeed()
        self._told = True
        """Whether all of the last step was told."""
        self.tags = self._rooms.tags
        """Who may charge."""
        self.door = self._rooms.door
        """Who gets in: passwords, pinned addresses and security profiles."""
        self.keys = self._rooms.keys
        """The private keys of its certificates, and who copies them."""
        self.ceilings = self._rooms.ceilings
        """How high connectors may go: limits for one of them, and pauses."""
        self.capacity = self._rooms.capacity_settings
        """What groups may carry: their capacities, and what stands in for them for a while."""
        self.sessions = self._rooms.sessions
        """What happens to the sessions that run."""
        self.remote = self._rooms.remote
        """What users ask of chargers."""
        self.firmware = self._rooms.firmware_updates
        """New firmware for chargers."""
        self.uploads = self._rooms.uploads
        """Logs that chargers load up."""

    @property
    def on_power(self) -> Callable[[str, bool], None] | None:
        """What to call to switch a charger's power off (False) or on again, by its identity."""
        return self._rooms.obedience.on_power

    @on_power.setter
    def on_power(self, listener: Callable[[str, bool], None] | None) -> None:
        self._rooms.obedience.on_power = listener

    @property
    def on_connectors_counted(self) -> Callable[[str, int], None] | None:
        """What to call with a charger that has more connectors than were set up, and how many."""
        return self._events.on_connectors_counted

    @on_connectors_counted.setter
    def on_connectors_counted(self, listener: Callable[[str, int], None] | None) -> None:
        self._events.on_connectors_counted = listener

    # Life

    async def start(self) -> None:
        """Read back what was recorded, then listen.

        Raises OSError if the port is taken, StorageError if the folder cannot be used, TlsError
        if the certificates cannot.
        """
        rooms = self._rooms
        gone = self._expected_files - await asyncio.to_thread(files_kept, self._folder)
        records = await rooms.journal.open()
        try:
            rooms.ledger.restore(records)
            if gone:
                _LOGGER.error("There is no %s in %s any more", ", ".join(gone), self._folder)
                rooms.ledger.lost_files |= gone
            if rooms.journal.damaged_lines or rooms.ledger.in_backup:
                # What is lost may have been a higher limit than the one that is left.
                rooms.ledger.limits_a.clear()
            rooms.door.forget_strangers(rooms.layout.settings)
            rooms.drills.restore()
            rooms.transactions.restore(records)
            if rooms.ledger.in_backup:
                _LOGGER.warning("The records are those of a backup; nothing is known of the limits")
                rooms.transactions.skip_ids()
                rooms.ledger.in_backup = False
            await rooms.tags.open()
            await rooms.firmware_updates.open()
            await rooms.upstreams.open(rooms.layout.settings)
            utc = datetime.now(UTC)
            heard_at = rooms.kept_base_loads.heard_at(utc, rooms.timer.now())
            rooms.control.state = State(
                base_loads=rooms.kept_base_loads.restored(utc),
                meters=remembered(rooms.ledger.worst_hours, heard_at),
            )
            # A full disk costs all raises, but not the chargers their central system.
            with suppress(StorageError):
                await rooms.journal.rewrite(
                    [*rooms.ledger.records(), *rooms.transactions.records()]
                )
            self._build()
            rooms.connectors.follow(rooms.timer.now())
            self._follow_settings()
            self._restore_capabilities()
            rooms.firmwares.restarted()
            rooms.upstreams.follow(rooms.layout.settings)
            rooms.refusals.resume()
            rooms.timer.running = True
            self._snapshots.begin(rooms.timer.now())
            rooms.timer.step()
            await rooms.central.start()
            # How long the certificates last is known only now.
            rooms.timer.soon()
        except BaseException:
            await self.stop()
            raise

    async def backup_begins(self) -> None:
        """Have what is copied from now on say so. Raises StorageError.

        Who starts from it knows that limits may have been raised, and ids given, since.
        """
        await self._rooms.recorder.write(self._rooms.ledger.note_backup(running=True))

    async def backup_ends(self) -> None:
        """Have what is on disk be that of a running site again. Raises StorageError."""
        await self._rooms.recorder.write(self._rooms.ledger.note_backup(running=False))

    async def stop(self) -> None:
        """Leave chargers where they are safe alone, close all sockets, and all on disk."""
        rooms = self._rooms
        if rooms.timer.running:
            rooms.kept_base_loads.keep_now(rooms.control.state.base_loads, datetime.now(UTC))
            rooms.obedience.keep_cards(rooms.timer.now(), every_s=0.0)
            rooms.kept_energy.keep(rooms.timer.now(), every_s=0.0)
        rooms.timer.stop()
        rooms.looks.stop()
        rooms.pairing.cancel_timer()
        rooms.local_lists.stop()
        rooms.drills.abort()
        await rooms.dispatcher.hand_over()
        await rooms.central.stop()
        await rooms.upstreams.stop()
        rooms.tags.desk.close()
        await rooms.tasks.cancel()
        await rooms.worker.stop()
        await rooms.keys.stop()
        await rooms.tags.close()
        await rooms.firmware_updates.close()
        await rooms.journal.close()

    @property
    def running(self) -> bool:
        """Whether it has been started and not been stopped."""
        return self._rooms.timer.running

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return self._rooms.central.port

    @property
    def snapshot(self) -> SiteSnapshot:
        """The newest snapshot; the same object until something changes."""
        return self._feed.newest

    def evidence(self) -> Evidence:
        """Return what a developer needs to see, none of which changes any more."""
        return evidence_of(self._rooms)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after each new snapshot, until the returned function is called."""
        return self._feed.subscribe(listener)

    # What the user and the sensors say

    async def apply(self, settings: SiteSettings) -> None:
        """Take over changed settings without dropping the socket of any charger that stays.

        Raises SiteError, and changes nothing, if the groups make no tree; StorageError, and
        changes nothing, if a booking that has to stay cannot be recorded. One call at a time.
        """
        rooms = self._rooms
        site = build_site(settings)
        await rooms.upstreams.open(settings)
        await rooms.leaving.keep_bookings(rooms.live, settings, site, rooms.timer.now())
        # From here on nothing is awaited, so that nobody sees half of the change.
        rooms.user_settings.note_new_maxima(settings)
        rooms.leaving.release_returned(rooms.layout.settings, settings)
        rooms.layout.follow(settings)
        self._build()
        identities = {charger.identity for charger in settings.chargers}
        for identity in {key.charger for key in rooms.live} - identities:
            rooms.proofs.cancel(identity)
            rooms.pairing.pass_over(identity)
            rooms.recorder.note(rooms.ledger.note_forgotten(identity))
        rooms.connectors.follow(rooms.timer.now())
        rooms.pairing.forget(identities)
        self._follow_settings()
        rooms.upstreams.follow(settings)
        rooms.timer.overtake()

    def report_meter(
        self,
        group_id: str,
        currents: PhaseCurrents | None,
        *,
        age_s: float = 0.0,
        fresh_for_s: float = inf,
        voltage_v: float = NOMINAL_VOLTAGE_V,
        battery_discharge_a: float | None = 0.0,
    ) -> None:
        """Take in a reading of a group's meter, import positive; None: it tells nothing now.

        `age_s` is how long ago its source was last heard of; `fresh_for_s` for how long it tells
        what flows, should nothing more be reported. `voltage_v` is the highest of its phases,
        `battery_discharge_a` what a battery gives, A over all phases; None where it does not tell.
        """
        meters, now = self._rooms.meters, self._rooms.timer.now()
        meters.report(group_id, currents, now, age_s=age_s, fresh_for_s=fresh_for_s)
        if currents is not None:
            meters.voltages_v[group_id] = voltage_v
            meters.battery_discharge_a[group_id] = battery_discharge_a
        self._rooms.looks.soon(group_id)
        self._rooms.timer.within(COALESCE_S)

    def meter_replaced(self, group_id: str) -> None:
        """Forget what was found against a group's meter: it is another one, or read otherwise."""
        state = self._rooms.control.state
        sights = {it: sight for it, sight in state.sights.items() if it != group_id}
        self._rooms.control.state = replace(state, sights=sights)
        # A step that is under way would bring back what is forgotten.
        self._rooms.timer.overtake()

    async def set_capacity(self, group_id: str, capacity_a: float) -> None:
        """Set a group's capacity. Raises ValueError below 0 or above the rating.

        An override that would let it carry more than that ends.
        """
        await self.capacity.set_lasting(group_id, capacity_a)

    async def set_maximum(self, key: ConnectorKey, maximum_a: float) -> None:
        """Set a connector's maximum. Raises ValueError below 0 or above its rating."""
        await self._rooms.user_settings.set_maximum(key, maximum_a)

    async def set_smart_charging(self, group_id: str, on: bool) -> None:
        """Balance a group, or leave its chargers, and those of all groups inside it, to themselves.

        Raises StorageError, and changes nothing, if leaving them cannot be recorded.
        """
        await self._rooms.user_settings.set_smart_charging(group_id, on)

    async def set_plan(self, key: ConnectorKey, plan: Plan) -> None:
        """Plan a car's departure, its energy, or that it goes first for a while.

        Raises PlanRefused for times that cannot be, StorageError if it cannot be recorded.
        """
        await self._rooms.plans.change(key, plan)
        self._rooms.timer.step()

    async def set_boost_duration(self, key: ConnectorKey, lasts: timedelta) -> None:
        """Set how long a boost lasts. Raises ValueError for nothing, and for more than a day."""
        await self._rooms.user_settings.set_boost_duration(key, lasts)

    async def set_enabled(self, key: ConnectorKey, enabled: bool) -> None:
        """Let a connector charge, or pause it."""
        await self._rooms.user_settings.set_enabled(key, enabled)

    def set_session_priority(self, key: ConnectorKey, priority: int | None) -> bool:
        """Set the priority of the running transaction; None for that of its tag or charger.

        Return whether one runs; without one nothing changes.
        """
        live = self._rooms.live[key]
        if live.transaction is None:
            return False
        live.session_priority = priority
        self._rooms.timer.soon()
        return True

    def let_back(self, key: ConnectorKey) -> bool:
        """Let a connector charge again that was stopped for not keeping its limit.

        Return whether it may; one that has not been seen to obey since stays as it is.
        """
        if key not in self._rooms.live:
            return False
        may_charge = self._rooms.obedience.asked_back(key)
        self._rooms.timer.soon()
        return may_charge

    async def release_booking(self, booking_id: str) -> None:
        """Stop booking current for a charger that the user has seen to be dead."""
        await self._rooms.user_settings.release_booking(booking_id)

    async def accept_lost_files(self) -> None:
        """Go on without files that had gone at a start. Raises StorageError."""
        await self._rooms.user_settings.accept_lost_files()

    def open_pairing(self, duration_s: float = DEFAULT_PAIRING_S) -> None:
        """Let unknown chargers introduce themselves for a while."""
        self._rooms.pairing.open(duration_s)

    def close_pairing(self) -> None:
        """Refuse unknown chargers again."""
        self._rooms.pairing.close()

    async def prove_fallback(self, identity: str, *, times: ProofTimes = DEFAULT_TIMES) -> None:
        """Begin to try out what a charger does with a limit that nobody renews.

        It takes some minutes, in which the charger restarts; a car that comes ends it. Raises
        ProofRefused if it cannot begin now, StorageError if that cannot be recorded.
        """
        await self._rooms.proofs.start(identity, times)
        self._rooms.timer.step()

    def cancel_proof(self, identity: str) -> None:
        """End a charger's proof, if one runs."""
        self._rooms.proofs.cancel(identity)

    @property
    def firmware_proofs(self) -> tuple[FirmwareProof, ...]:
        """What was seen of all firmwares that ran here, also of chargers that are gone."""
        return tuple(self._rooms.ledger.proofs.values())

    def start_drill(self, group_id: str) -> asyncio.Future[DrillReport]:
        """Pretend for a minute that a group carries less, and watch how its chargers do.

        The report comes after that minute; a site that is stopped meanwhile cancels it. Raises
        DrillError if a drill runs, nothing charges there or the group's supply is not known.
        """
        rooms = self._rooms
        result = rooms.control.result
        view = None if result is None else result.groups.get(group_id)
        now = rooms.timer.now()
        drill = rooms.drills.begin(rooms.layout.site, group_id, view, rooms.live, now)
        rooms.timer.step()
        return drill.ended

    # Steps

    def _step(self, now: float, is_whole: bool) -> Coroutine[object, object, None] | None:
        """Take a step, or a glance; return what is left of it where it is decided elsewhere."""
        began_s = thread_time()
        rooms = self._rooms
        # How soon its chargers follow is what a drill is for.
        is_whole = is_whole or rooms.drills.running is not None
        layout = rooms.layout
        rooms.capacity_settings.apply()
        layout.outdated |= (
            rooms.proofs.outdated or rooms.offline_keys.outdated or rooms.learnt_steps.outdated
        )
        if layout.timetable.look(datetime.now(UTC)) or layout.outdated:
            self._build()
        if layout.outdated:
            layout.outdated = False
            rooms.connectors.follow_facts()
        rooms.plans.apply(now)
        rooms.ceilings.apply()
        rooms.upstreams.apply()
        inputs = rooms.control.inputs(now)
        deciding = rooms.control.deciding(inputs, now, is_whole=is_whole)
        if rooms.worker.away:
            return self._step_away(deciding, inputs, now, thread_time() - began_s)
        result, pauses = deciding(), rooms.worker.pauses
        if isinstance(result, AllFits):
            rooms.timer.all_fits(result.wake_at)
            return None
        sent_a: dict[ConnectorKey, float] = {}
        for _ in chain(
            self._carry_out(result, inputs, now, pauses, sent_a),
            self._tell(result, inputs, pauses, sent_a),
        ):
            pass
        self._told = True
        rooms.worker.took(thread_time() - began_s)
        return None

    async def _step_away(
        self, deciding: Callable[[], Result | AllFits], inputs: Inputs, now: float, worked_s: float
    ) -> None:
        """Have a step decided elsewhere, and do what it comes to, a little at a time."""
        worker = self._rooms.worker
        pauses = worker.pauses
        result, decided_s = await worker.decide(deciding)
        if isinstance(result, AllFits):
            self._rooms.timer.all_fits(result.wake_at)
            return
        sent_a: dict[ConnectorKey, float] = {}
        carried_out_s = await worker.in_portions(
            self._carry_out(result, inputs, now, pauses, sent_a)
        )
        # The next step tells all of it as well, and somebody may wait for that one's cuts. Never
        # twice in a row, lest nothing be told any more.
        leave_off = self._is_next_one_due if self._told else None
        self._told = False
        told_s = await worker.in_portions(
            self._tell(result, inputs, pauses, sent_a), leave_off=leave_off
        )
        if told_s is not None:
            self._told = True
            worker.took(worked_s + decided_s + carried_out_s + told_s)

    def _is_next_one_due(self) -> bool:
        return self._rooms.timer.is_next_one_due

    def _carry_out(
        self,
        result: Result,
        inputs: Inputs,
        now: float,
        pauses: int,
        sent_a: dict[ConnectorKey, float],
    ) -> Iterator[None]:
        """Do what a step has come to; others may have a turn at each yield.

        `now` is when it looked, and `pauses` how many there had been by then. The limits that are
        sent are put into `sent_a`.
        """
        rooms = self._rooms
        rooms.control.decided(result, inputs, now)
        yield
        if rooms.drills.running is not None:
            rooms.drills.running.observe(rooms.live)
        news: News | None = None
        for command in result.commands:
            if rooms.worker.pauses != pauses:
                pauses, now = rooms.worker.pauses, rooms.timer.now()
                news = rooms.control.news_since(inputs, sent_a, now)
            if news is None or (news.leaves(command) and not self._is_taken(command, sent_a)):
                rooms.dispatcher.dispatch(command, now)
                sent_a[command.key] = command.limit_a
            yield
        all_of_it = len(sent_a) == len(result.commands)
        rooms.worker.sent(all_of_it=all_of_it)
        if not all_of_it:
            rooms.timer.within(COALESCE_S)
        rooms.dispatcher.reserve(result.cuts_waiting)
        now = rooms.timer.now()
        rooms.dispatcher.follow_lines(now)
        yield
        raising = {command.key for command in result.commands if command.kind is Kind.RAISE}
        yield from rooms.recorder.keep_limits(rooms.live, raising, now)
        rooms.recorder.keep_worst_hours(result.state.meters)
        yield

    def _tell(
        self,
        result: Result,
        inputs: Inputs,
        pauses: int,
        sent_a: Mapping[ConnectorKey, float],
    ) -> Iterator[None]:
        """Let all others know of a step that was carried out, who may have a turn at each yield.

        `pauses` is how many there had been when it looked, and `sent_a` what it has sent since.
        """
        rooms = self._rooms
        layout, now = rooms.layout, rooms.timer.now()
        if rooms.obedience.look(layout.site, result, now):
            rooms.timer.within(COALESCE_S)
        rooms.withholding.look(now)
        rooms.firmware_updates.look(now)
        rooms.obedience.keep_cards(now)
        yield
        rooms.kept_energy.keep(now)
        for key, reason in result.reasons.items():
            live = rooms.live[key]
            if live.reason != reason:
                live.reason = reason
        yield
        rooms.sessions.look(now)
        fuller: frozenset[str] = frozenset()
        if rooms.worker.pauses != pauses:
            fuller = rooms.control.news_since(inputs, sent_a, rooms.timer.now()).groups
        rooms.smart_charging.look(layout.site, result.groups, now, fuller=fuller)
        yield
        snapshot = yield from self._snapshots.make(result, inputs, now)
        yield
        self._feed.publish(snapshot)
        yield
        rooms.kept_base_loads.keep(result.state.base_loads, now, datetime.now(UTC))
        rooms.recorder.heal()
        self._wake_again(result.wake_at, now)

    def _is_taken(self, command: Command, sent_a: Mapping[ConnectorKey, float]) -> bool:
        """Return whether others than this step have taken the line that a cut needs meanwhile."""
        charger = command.key.charger
        if command.kind is not Kind.CUT or not self._rooms.central.stations[charger].busy:
            return False
        return all(key.charger != charger for key in sent_a)

    def _wake_again(self, wake_at: float | None, now: float) -> None:
        """Have the next step taken when time alone changes something."""
        rooms = self._rooms
        ends_s = (
            rooms.plans.next_change_s(),
            rooms.ceilings.next_change_s(),
            rooms.capacity_settings.next_change_s(),
            rooms.upstreams.next_change_s(),
            rooms.upstreams.next_problem_s(now),
        )
        times = (
            self._snapshots.next_change(now),
            rooms.firmware_updates.next_change(),
            rooms.door.next_change(now),
            rooms.sessions.next_change(now),
            now + rooms.layout.timetable.wait_s(datetime.now(UTC)),
            *(None if end_s is None else now + end_s for end_s in ends_s),
        )
        for at in times:
            if at is not None:
                rooms.timer.by(at)
        if wake_at is not None:
            rooms.timer.glance_by(wake_at)

    # Details

    def _on_event(self, event: StationEvent) -> None:
        self._events.take(event)

    def _build(self) -> None:
        """Build the tree of groups anew, with what is known of the chargers now."""
        rooms = self._rooms
        chargers = rooms.layout.settings.chargers
        rooms.proofs.tell_leases()
        quirks = {charger.identity: rooms.firmwares.quirks(charger) for charger in chargers}
        rooms.layout.build(
            proofs=rooms.proofs.of_chargers(charger.identity for charger in chargers),
            quirks=quirks,
            power_caps_w=rooms.capacity_settings.powers_w(),
            unconfirmed=rooms.offline_keys.unconfirmed(chargers, quirks),
            learnt_steps_a=rooms.learnt_steps.tell(chargers, quirks),
        )

    def _follow_settings(self) -> None:
        """Let tags, the door and the stations know what is set up now."""
        rooms = self._rooms
        settings = rooms.layout.settings
        if rooms.tags.follow(settings, rooms.layout.site):
            # Chargers may have been moved, before a start as well; their lists do not tell.
            rooms.tasks.spawn(rooms.tags.moved())
        rooms.door.open(settings)
        rooms.firmwares.configure(settings.chargers)
        rooms.proofs.tell_leases()
        rooms.firmware_updates.configure({charger.identity for charger in settings.chargers})

    def _restore_capabilities(self) -> None:
        """Spare chargers that are known a first limit in a form that may not be theirs."""
        for identity, record in self._rooms.ledger.capabilities.items():
            station = self._rooms.central.stations.get(identity)
            if station is not None:
                with suppress(KeyError, TypeError, ValueError):
                    station.capabilities = Capabilities.from_record(record)
