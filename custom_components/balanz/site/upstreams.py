"""The back offices behind a running site: who is passed on, what they allow, and what is wrong."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ..balancing.model import ConnectorKey
from ..csms.events import TransactionStarted, TransactionStopped
from ..csms.local_controller.bound import Place, UpperBound
from ..csms.local_controller.composite_answer import InForce
from ..csms.local_controller.composition import Lines
from ..csms.local_controller.controller import LocalController
from ..csms.local_controller.profile_desk import StoredProfiles
from ..csms.local_controller.profile_store import ProfileLimits
from ..csms.local_controller.upstream import Trouble
from ..csms.local_controller.upstream_calls import ProfileDesk
from ..csms.server import CentralSystem
from ..csms.station import Station
from ..csms.transactions import TransactionBook
from ..storage.journal import Journal
from ..storage.upstream_ledger import UpstreamLedger
from .bound import Bound, BoundName
from .live import WANTING, LiveConnector
from .settings import ChargerSettings, SiteSettings
from .snapshot import Problem, ProblemKind, UpstreamSnapshot
from .upstream_mode import UpstreamMode

UNREACHABLE_FOR_S = 600.0
"""A back office that is away for less is nothing to tell of."""

MISBEHAVES_FOR_S = 3_600.0
"""How long it is told that a back office has sent what it must not."""

_PROBLEMS = {
    Trouble.CREDENTIALS: ProblemKind.UPSTREAM_CREDENTIALS,
    Trouble.UNKNOWN_CHARGER: ProblemKind.UPSTREAM_UNKNOWN_CHARGER,
    Trouble.CERTIFICATE: ProblemKind.UPSTREAM_CERTIFICATE,
    Trouble.PROTOCOL: ProblemKind.UPSTREAM_PROTOCOL,
}


@dataclass(slots=True)
class _Upstream:
    """What there is for one charger that is passed on."""

    name: str
    connectors: int
    controller: LocalController
    profiles: StoredProfiles
    mode: UpstreamMode
    bounds: Mapping[int, UpperBound] | None = None
    """What each connector may have; None where that has to be worked out anew."""
    places: Mapping[int, Place] | None = None
    """What they were worked out for."""
    unreachable_since: float | None = None


class Upstreams:
    """Passes chargers on as they are set up, and tells what their back offices allow."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        transactions: TransactionBook,
        live: Mapping[ConnectorKey, LiveConnector],
        make_mode: Callable[[Station, StoredProfiles], UpstreamMode],
        folder: Path,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Pass nobody on as yet; `on_change` is called when a step should look.

        `make_mode` makes what chooses who holds the profiles of a charger's back office.
        """
        self._central = central
        self._transactions = transactions
        self._live = live
        self._make_mode = make_mode
        self._folder = folder
        self._spawn = spawn
        self._on_change = on_change
        self._ledger: UpstreamLedger | None = None
        self._upstreams: dict[str, _Upstream] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    # Life

    async def open(self, settings: SiteSettings) -> None:
        """Read back what waits for back offices, once there are any. Raises StorageError."""
        if self._ledger is None and any(it.upstream is not None for it in settings.chargers):
            ledger = UpstreamLedger(Journal(self._folder / "upstream.jsonl"))
            await ledger.open()
            self._ledger = ledger

    def follow(self, settings: SiteSettings) -> None:
        """Pass on who is to be, and no longer who is not; the others notice nothing."""
        wanted = {it.identity: it for it in settings.chargers if it.upstream is not None}
        for identity, upstream in list(self._upstreams.items()):
            charger = wanted.get(identity)
            if charger is not None:
                upstream.name, upstream.connectors = charger.name, charger.connectors
            if charger is None or charger.upstream != upstream.controller.settings:
                del self._upstreams[identity]
                upstream.mode.leave(partial(self._without_mode, identity))
                upstream.profiles.close()
                ending = self._spawn(upstream.controller.stop())
                self._stopping.add(ending)
                ending.add_done_callback(self._stopping.discard)
                if charger is not None:
                    self._add(charger, after=ending)
        for identity, charger in wanted.items():
            if identity not in self._upstreams:
                self._add(charger)

    def _without_mode(self, identity: str) -> list[LiveConnector]:
        """Return a charger's connectors while it has no back office."""
        if identity in self._upstreams:
            return []
        return [live for key, live in self._live.items() if key.charger == identity]

    def _add(self, charger: ChargerSettings, after: asyncio.Task[None] | None = None) -> None:
        station = self._central.stations.get(charger.identity)
        if station is None or charger.upstream is None or self._ledger is None:
            return
        identity = charger.identity
        queue = self._ledger.queue(charger.upstream.leg(identity))
        profiles = StoredProfiles(
            queue,
            limits=ProfileLimits.of(station.capabilities),
            connectors=charger.connectors,
            in_force=partial(self._in_force, identity),
            on_change=partial(self._profiles_changed, identity),
        )
        mode = self._make_mode(station, profiles)
        controller = LocalController(
            station,
            charger.upstream,
            queue=queue,
            tag_desk=self._central.tag_desk,
            transactions=self._transactions,
            profiles=partial(self._desk, identity, profiles),
            on_change=self._on_change,
        )
        controller.pass_profiles_through(mode.passed)
        controller.on_identified = profiles.identified
        self._upstreams[identity] = _Upstream(
            charger.name, charger.connectors, controller, profiles, mode
        )
        controller.start(after)

    async def stop(self) -> None:
        """Leave all back offices; what they were not told of stays on disk."""
        for upstream in self._upstreams.values():
            upstream.profiles.close()
            await upstream.controller.stop()
        self._upstreams.clear()
        if self._stopping:
            await asyncio.wait(set(self._stopping))
        if self._ledger is not None:
            await self._ledger.close()
            self._ledger = None

    # What back offices allow

    def take(self, event: TransactionStarted | TransactionStopped) -> None:
        """Learn of a transaction, to which profiles may belong."""
        upstream = self._upstreams.get(event.identity)
        if upstream is not None:
            upstream.profiles.take(event)

    def apply(self) -> None:
        """Add what back offices allow to the bounds of their connectors."""
        now, loop_now = datetime.now(UTC), asyncio.get_running_loop().time()
        for identity, upstream in self._upstreams.items():
            upstream.mode.look(list(self._lives(identity)), loop_now)
            if not upstream.profiles.any:
                upstream.bounds = None
                continue
            places = self._places(identity)
            if upstream.bounds is None or upstream.places != places or _is_over(upstream, now):
                upstream.bounds, upstream.places = upstream.profiles.bounds(places, now), places
            for key, live in self._connectors(identity):
                bound = upstream.bounds.get(key.connector)
                if live.balanced and bound is not None and bound.limit_a is not None:
                    live.bounds = (
                        *live.bounds,
                        Bound(name=BoundName.UPSTREAM, limit_a=bound.limit_a, until=bound.until),
                    )

    def next_change_s(self) -> float | None:
        """Return in how many seconds time alone changes a bound; None if it does not."""
        ends = [
            bound.until
            for upstream in self._upstreams.values()
            for bound in (upstream.bounds or {}).values()
            if bound.until is not None
        ]
        now, loop_now = datetime.now(UTC), asyncio.get_running_loop().time()
        waits = [
            upstream.mode.look_again_at - loop_now
            for upstream in self._upstreams.values()
            if upstream.mode.look_again_at is not None
        ]
        waits += [(end - now).total_seconds() for end in ends]
        return max(min(waits), 0.0) if waits else None

    def _desk(self, identity: str, profiles: StoredProfiles) -> ProfileDesk | None:
        """Return who answers for profiles: without smart charging the charger itself does."""
        if not any(live.balanced for _, live in self._connectors(identity)):
            return None
        station = self._central.stations.get(identity)
        if station is not None:
            # Asking a charger what it can do takes a while after its first boot.
            profiles.limits = ProfileLimits.of(station.capabilities)
        return profiles

    def _profiles_changed(self, identity: str) -> None:
        upstream = self._upstreams.get(identity)
        if upstream is not None:
            upstream.bounds = None
        self._on_change()

    def _in_force(self, identity: str) -> dict[int, InForce]:
        return {
            key.connector: InForce(limit_a=live.commitment.accepted_a, lines=_lines(live))
            for key, live in self._connectors(identity)
            if live.commitment.accepted_a is not None
        }

    def _places(self, identity: str) -> dict[int, Place]:
        return {
            key.connector: Place(
                lines=_lines(live),
                minimum_a=live.connector.minimum_a,
                has_car=live.transaction is not None or live.status in WANTING,
            )
            for key, live in self._connectors(identity)
        }

    def _lives(self, identity: str) -> Iterator[LiveConnector]:
        return (live for _, live in self._connectors(identity))

    def _connectors(self, identity: str) -> Iterator[tuple[ConnectorKey, LiveConnector]]:
        upstream = self._upstreams.get(identity)
        for number in range(upstream.connectors if upstream is not None else 0):
            key = ConnectorKey(identity, number + 1)
            live = self._live.get(key)
            if live is not None:
                yield key, live

    # What is shown

    def snapshot(self, identity: str) -> UpstreamSnapshot | None:
        """Return how the link to a charger's back office stands."""
        upstream = self._upstreams.get(identity)
        if upstream is None:
            return None
        controller = upstream.controller
        return UpstreamSnapshot(
            connected=controller.connected,
            waiting=controller.behind,
            trouble=controller.trouble,
            failures=controller.failures,
            parked=controller.parked,
            thinned=controller.thinned,
            odd_frames=controller.odd_frames,
            clock_differs=controller.clock_differs,
            mode=upstream.profiles.mode,
        )

    def problems(self, now: float) -> Iterator[Problem]:
        """Yield what is wrong with back offices (monotonic seconds)."""
        if self._ledger is not None and self._ledger.failing:
            yield Problem(kind=ProblemKind.STORAGE_FAILING, subject="")
        for identity, upstream in self._upstreams.items():
            controller = upstream.controller
            names = {"charger": upstream.name, "url": controller.settings.url}
            if controller.trouble is not Trouble.UNREACHABLE:
                upstream.unreachable_since = None
            elif upstream.unreachable_since is None:
                upstream.unreachable_since = now
            elif now - upstream.unreachable_since >= UNREACHABLE_FOR_S:
                yield Problem(
                    kind=ProblemKind.UPSTREAM_UNREACHABLE, subject=identity, placeholders=names
                )
            if controller.trouble in _PROBLEMS:
                kind = _PROBLEMS[controller.trouble]
                yield Problem(kind=kind, subject=identity, placeholders=names)
            shown_out_at = controller.shown_out_at
            if shown_out_at is not None and now - shown_out_at < MISBEHAVES_FOR_S:
                yield Problem(
                    kind=ProblemKind.UPSTREAM_MISBEHAVES, subject=identity, placeholders=names
                )
            if controller.parked:
                names_parked = names | {"count": str(controller.parked)}
                yield Problem(
                    kind=ProblemKind.UPSTREAM_PARKED, subject=identity, placeholders=names_parked
                )
            if upstream.profiles.lost:
                yield Problem(
                    kind=ProblemKind.UPSTREAM_PROFILES_LOST, subject=identity, placeholders=names
                )
            if controller.held_keys:
                keys = ", ".join(sorted(controller.held_keys))
                yield Problem(
                    kind=ProblemKind.UPSTREAM_LEADS_AWAY,
                    subject=identity,
                    placeholders=names | {"keys": keys},
                )

    def next_problem_s(self, now: float) -> float | None:
        """Return in how many seconds time alone makes a problem of something."""
        waits = [
            upstream.unreachable_since + UNREACHABLE_FOR_S - now
            for upstream in self._upstreams.values()
            if upstream.unreachable_since is not None
        ]
        waits += [
            upstream.controller.shown_out_at + MISBEHAVES_FOR_S - now
            for upstream in self._upstreams.values()
            if upstream.controller.shown_out_at is not None
        ]
        return min((wait for wait in waits if wait > 0.0), default=None)


def _lines(live: LiveConnector) -> Lines:
    return Lines(wired=live.charger.phases, in_use=live.known_lines)


def _is_over(upstream: _Upstream, now: datetime) -> bool:
    bounds = (upstream.bounds or {}).values()
    return any(bound.until is not None and bound.until <= now for bound in bounds)
