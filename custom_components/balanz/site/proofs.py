"""What is proven of the chargers of a running site, and the proofs that run."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from ..balancing.model import ConnectorKey
from ..csms.leases import LeaseMechanism
from ..csms.server import CentralSystem
from ..csms.station import Station
from ..storage.ledger import Ledger
from ..storage.proofs import (
    KEEPING_FACTS,
    LEASE_FACTS,
    Fact,
    Finding,
    Firmware,
    FirmwareProof,
    SeenBy,
)
from .cap_proof import CapProof
from .live import LiveConnector
from .proof import FallbackProof, ProofStopped, ProofTimes
from .recorder import Recorder
from .snapshot import ProofSnapshot

TEST_ABOVE_FALLBACK_A = 2.0
LEAST_APART_A = 1.0
"""Between the test limit, what it falls back to, and the rating: else nobody could tell them."""
_NOTHING_SEEN = ProofSnapshot(proof=None, running=None, failed=None)


class ProofRefusal(StrEnum):
    """Why a proof cannot begin."""

    NOT_CONNECTED = "proof_not_connected"
    RUNNING = "proof_running"
    CAR = "proof_car"
    """A car is plugged in, or may be."""
    FIRMWARE_UNKNOWN = "proof_firmware_unknown"
    """It has not booted since it is known, so that nobody knows what would be proven."""
    RATING_TOO_LOW = "proof_rating_too_low"
    NO_ROOM = "proof_no_room"
    """Its rating does not fit beside what the others may be drawing."""


class ProofRefused(Exception):
    """A proof cannot begin now."""

    def __init__(self, refusal: ProofRefusal) -> None:
        """Tell why."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestLimits:
    """What a charger without a car is told, A per line, each below the next."""

    fallback_a: float
    limit_a: float
    rating_a: float


class _Proof(Protocol):
    """Something that is being tried out."""

    needs_car: bool
    """Whether a transaction has to run meanwhile, rather than none."""

    @property
    def step(self) -> Fact:
        """The fact that is being tried."""
        ...

    async def run(self) -> None:
        """Try it. Raises ProofStopped or TimeoutError where nothing can be seen."""
        ...


class _BesideCar:
    """The part of a proof for which a transaction has to run."""

    needs_car = True

    def __init__(self, proof: FallbackProof) -> None:
        self._proof = proof

    @property
    def step(self) -> Fact:
        """The fact that is being tried."""
        return self._proof.step

    async def run(self) -> None:
        """Try it. Raises ProofStopped or TimeoutError where nothing can be seen."""
        await self._proof.run_beside_car()


type _OnFinding = Callable[[Fact, bool, SeenBy], None]
type _MakeProof = Callable[[Station, _TestLimits, _OnFinding], _Proof]


class Proofs:
    """Knows what is proven, and runs guided proofs.

    While one runs, control leaves the charger alone and books it at its rating.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        central: CentralSystem,
        live: Mapping[ConnectorKey, LiveConnector],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        rating_fits: Callable[[str], bool],
        on_change: Callable[[], None],
    ) -> None:
        """Run nothing yet; `on_change` is called when something else is proven, or a proof ends."""
        self._ledger = ledger
        self._recorder = recorder
        self._central = central
        self._live = live
        self._spawn = spawn
        self._rating_fits = rating_fits
        self._on_change = on_change
        self._running: dict[str, tuple[_Proof, asyncio.Task[None]]] = {}
        self._failed: dict[str, Fact] = {}
        """The step at which the last proof of each charger ended without success."""
        self._capped: Mapping[str, bool | None] = {}
        """Chargers whose limits were caps, or about to be, when it was asked what is proven."""

    # What is proven

    def of_chargers(self, identities: Iterable[str]) -> dict[str, FirmwareProof]:
        """Return what is proven of each charger's limits as they are told; of others nothing is."""
        self._capped = self._capped_now()
        return {
            identity: proof.of_limits(caps=self._capped.get(identity, False))
            for identity in identities
            if (proof := self._proof_of(identity))
        }

    @property
    def outdated(self) -> bool:
        """Whether chargers are told their limits as caps, or not, unlike when last asked."""
        return self._capped != self._capped_now()

    def tell_leases(self) -> None:
        """Tell stations how limits have to end lest their firmware ignores it, as was seen."""
        for identity, station in self._central.stations.items():
            if identity in self._running:
                continue
            lease = _lease_of(self._proof_of(identity))
            if lease is not station.lease:
                station.lease = lease
                for key, one in self._live.items():
                    if key.charger == identity:
                        # What was told another way may never end.
                        one.commitment = one.commitment.without_lapse()

    def firmware_changed(self, identity: str) -> None:
        """Learn that a charger runs another firmware; what was proven of the old one ends."""
        self._failed.pop(identity, None)
        self.cancel(identity)
        self._on_change()

    def snapshot(self, identity: str) -> ProofSnapshot:
        """Return what there is to show of a charger's proof."""
        proof = self._proof_of(identity)
        running = self._running.get(identity)
        step = None if running is None else running[0].step
        failed = self._failed.get(identity)
        if proof is None and running is None and failed is None:
            return _NOTHING_SEEN
        return ProofSnapshot(
            proof=proof,
            running=step if step in LEASE_FACTS else None,
            failed=failed or _disproven(proof),
        )

    # Guided proofs

    async def start(self, identity: str, times: ProofTimes) -> None:
        """Begin to prove the fallback. Raises ProofRefused, or StorageError without a disk.

        With a car it is what can be tried only then, where nothing else is left to try.
        """
        beside_car = self._may_try_beside_car(identity)

        def make(station: Station, limits_a: _TestLimits, on_finding: _OnFinding) -> _Proof:
            proof = FallbackProof(
                station,
                limit_a=limits_a.limit_a,
                fallback_a=limits_a.fallback_a,
                times=times,
                on_finding=on_finding,
            )
            return _BesideCar(proof) if beside_car else proof

        await self._begin(identity, make, beside_car=beside_car)
        self._failed.pop(identity, None)

    async def start_cap(self, identity: str) -> None:
        """Begin to find out whether it caps the profiles of others. Raises as `start` does."""

        def make(station: Station, limits_a: _TestLimits, on_finding: _OnFinding) -> _Proof:
            return CapProof(
                station,
                least_a=limits_a.fallback_a,
                cap_a=limits_a.limit_a,
                most_a=limits_a.rating_a,
                on_finding=on_finding,
            )

        await self._begin(identity, make)

    def caps(self, identity: str) -> bool | None:
        """Return whether a charger caps the profiles of others; None where that was not seen."""
        proof = self._proof_of(identity)
        return None if proof is None else proof.holds(Fact.CAPS)

    def cap_ignored(self, identity: str) -> None:
        """Learn that a charger has drawn more than the cap that it accepted."""
        firmware = self._ledger.firmwares.get(identity)
        if firmware is not None:
            self._found(firmware, Fact.CAPS, False, SeenBy.METER, LeaseMechanism.TAIL)

    def _may_try_beside_car(self, identity: str) -> bool:
        """Return whether limits of a transaction are what is left to be tried, and one runs."""
        station, proof = self._central.stations.get(identity), self._proof_of(identity)
        connectors = [one for key, one in self._live.items() if key.charger == identity]
        return (
            station is not None
            and LeaseMechanism.TRANSACTION in station.possible_leases
            and not station.capped
            and proof is not None
            and proof.keeps_limit
            and (not proof.lapses or _lease_of(proof) is LeaseMechanism.TRANSACTION)
            and len(connectors) == 1
            and connectors[0].transaction is not None
        )

    async def _begin(self, identity: str, make: _MakeProof, *, beside_car: bool = False) -> None:
        station = self._central.stations.get(identity)
        connectors = [one for key, one in self._live.items() if key.charger == identity]
        limits_a = self._check(identity, station, connectors, beside_car=beside_car)
        if any(one.held for one in connectors):
            raise ProofRefused(ProofRefusal.RUNNING)
        if not self._rating_fits(identity):
            raise ProofRefused(ProofRefusal.NO_ROOM)
        for one in connectors:
            one.hold()
        try:
            # Whoever starts anew in the middle of it must know what may be in force.
            await self._recorder.write(
                *(
                    self._ledger.note_limit(one.connector.key, one.connector.rating_a)
                    for one in connectors
                )
            )
            self._check(identity, station, connectors, beside_car=beside_car)
        except BaseException:
            self._let_go(connectors)
            raise
        assert station is not None
        firmware = self._ledger.firmwares[identity]

        def on_finding(fact: Fact, holds: bool, seen_by: SeenBy) -> None:
            cap = station.capped and fact in KEEPING_FACTS
            self._found(firmware, fact, holds, seen_by, station.lease, cap=cap)

        proof = make(station, limits_a, on_finding)
        self._running[identity] = (proof, self._spawn(self._run(identity, proof, connectors)))
        self._on_change()

    def cancel(self, identity: str) -> None:
        """End a charger's proof, if one runs, and give it back to control."""
        running = self._running.get(identity)
        if running is not None:
            running[1].cancel()

    def look(self, identity: str) -> None:
        """End a charger's proof if a car has come, or gone where there has to be one."""
        running = self._running.get(identity)
        if running is None:
            return
        connectors = [one for key, one in self._live.items() if key.charger == identity]
        if running[0].needs_car:
            over = any(one.transaction is None for one in connectors)
        else:
            over = any(
                one.transaction is not None or (one.status is not None and one.status.plugged)
                for one in connectors
            )
        if over:
            self.cancel(identity)

    def _capped_now(self) -> dict[str, bool | None]:
        """Return for which chargers limits are caps; None where that is about to change."""
        return {
            identity: True if station.capped and station.is_cap_in_force else None
            for identity, station in self._central.stations.items()
            if station.capped or station.is_cap_in_force
        }

    def _proof_of(self, identity: str) -> FirmwareProof | None:
        firmware = self._ledger.firmwares.get(identity)
        return None if firmware is None else self._ledger.proofs.get(firmware)

    def _check(
        self,
        identity: str,
        station: Station | None,
        connectors: list[LiveConnector],
        *,
        beside_car: bool,
    ) -> _TestLimits:
        """Return the limits to try. Raises ProofRefused."""
        if station is None or not station.ready:
            raise ProofRefused(ProofRefusal.NOT_CONNECTED)
        if identity in self._running:
            raise ProofRefused(ProofRefusal.RUNNING)
        firmware = self._ledger.firmwares.get(identity)
        if firmware is None or not firmware.is_told:
            raise ProofRefused(ProofRefusal.FIRMWARE_UNKNOWN)
        if any(
            one.transaction is not None or one.status is None or one.status.plugged is not False
            for one in connectors
            if not (beside_car and one.transaction is not None)
        ):
            raise ProofRefused(ProofRefusal.CAR)
        connector = connectors[0].connector
        fallback_a = float(math.ceil(connector.minimum_a))
        limit_a = min(fallback_a + TEST_ABOVE_FALLBACK_A, connector.rating_a - LEAST_APART_A)
        if limit_a - fallback_a < LEAST_APART_A:
            raise ProofRefused(ProofRefusal.RATING_TOO_LOW)
        return _TestLimits(fallback_a=fallback_a, limit_a=limit_a, rating_a=connector.rating_a)

    async def _run(self, identity: str, proof: _Proof, connectors: list[LiveConnector]) -> None:
        try:
            # Started eagerly, it could otherwise end before anybody knows that it runs.
            await asyncio.sleep(0)
            await proof.run()
        except ProofStopped, TimeoutError, asyncio.CancelledError:
            if proof.step in LEASE_FACTS:
                self._failed[identity] = proof.step
        finally:
            del self._running[identity]
            self._let_go(connectors)

    def _found(
        self,
        firmware: Firmware,
        fact: Fact,
        holds: bool,
        seen_by: SeenBy,
        lease: LeaseMechanism,
        *,
        cap: bool = False,
    ) -> None:
        # The link may be lost, and the charger restart, with a limit that ends in any way.
        seen_with = lease if fact in (Fact.TAKES_LEASE, Fact.LAPSES) else None
        finding = Finding(
            holds=holds,
            seen_by=seen_by,
            seen_at=datetime.now(UTC),
            lease=None if seen_with in (None, LeaseMechanism.TAIL) else seen_with.value,
            cap=cap,
        )
        self._recorder.note(self._ledger.note_finding(firmware, fact, finding))
        self._on_change()

    def _let_go(self, connectors: list[LiveConnector]) -> None:
        for one in connectors:
            one.held = False
        self._on_change()


def _lease_of(proof: FirmwareProof | None) -> LeaseMechanism:
    """Return how limits are told to end by themselves."""
    known = None if proof is None else proof.lease
    return next((one for one in LeaseMechanism if one == known), LeaseMechanism.TAIL)


def _disproven(proof: FirmwareProof | None) -> Fact | None:
    """Return the first fact that was seen not to hold."""
    return next((fact for fact in LEASE_FACTS if proof and proof.holds(fact) is False), None)
