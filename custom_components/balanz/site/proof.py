"""The guided proof: what a charger without a car does with a limit that nobody renews.

A short test limit falls back by itself while balanz watches, in one way or, where that has no
effect, in another; then a longer one has to outlast a loss of the link and a reboot. At no time is
the charger without a profile.

Limits of a transaction can only be tried while one runs. So that is done with a car, and only of a
firmware that keeps its limits and ends them in no other way.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ..csms.composite_schedule import CompositeSchedule
from ..csms.leases import LeaseMechanism
from ..csms.profile_forms import OTHER_FORM_AFTER_S
from ..csms.profiles import Limit
from ..csms.station import LimitAnswer
from ..csms.station_errors import StationError, StationUnreachable
from ..storage.proofs import Fact, SeenBy

CONNECTOR = 1
"""The one that is tried; a charger treats its connectors alike."""
TOLERANCE_A = 0.45
"""What a charger may make of a limit; less than half of what lies between those in use."""
ROUNDING_S = 2.0
"""How much earlier than promised a limit may fall back: times on the wire are whole seconds."""
POLL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofTimes:
    """How long things may take, s."""

    first_lease_s: float = 75.0
    second_lease_s: float = 300.0
    """Long enough for the link to be lost, and the charger to restart, within it."""
    following_s: float = 20.0
    """How much later than promised a charger may fall back, and how long it may say nothing."""
    reconnect_s: float = 240.0
    reboot_s: float = 420.0
    total_s: float = 1500.0


class TryableStation(Protocol):
    """A charger that tells what comes of a limit."""

    @property
    def tries_another_form(self) -> bool:
        """Whether a limit that was refused may be taken in another form."""
        ...

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        """Set a limit."""
        ...

    async def composite_schedule(
        self, connector: int, *, duration_s: int
    ) -> CompositeSchedule | None:
        """Return what it would offer from now on. Raises StationError."""
        ...


class ProvenStation(TryableStation, Protocol):
    """A charger whose fallback can be tried out."""

    ready: bool
    boots: int
    lease: LeaseMechanism

    @property
    def possible_leases(self) -> tuple[LeaseMechanism, ...]:
        """The ways in which its limits may be told to end by themselves."""
        ...

    async def prepare_lease(self, connector: int, limit: Limit) -> None:
        """See to it that a limit that is told next has something to fall back to."""
        ...

    @property
    def clock_skew_s(self) -> float | None:
        """How far its clock is ahead."""
        ...

    def lapses_after_s(self, connector: int, limit: Limit) -> float | None:
        """Return when a limit will have fallen back; None if it is not told to."""
        ...

    async def reset(self, *, hard: bool = False) -> None:
        """Ask for a restart. Raises StationError."""
        ...

    def disconnect(self, reason: str) -> None:
        """Close the socket."""
        ...


class ProofStopped(Exception):
    """The proof cannot go on, and nothing was seen of the fact that was being tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lapse:
    """When a limit falls back: surely not before the one, surely not after the other."""

    earliest: datetime
    latest: datetime


class FallbackProof:
    """One proof of one charger."""

    needs_car = False

    def __init__(
        self,
        station: ProvenStation,
        *,
        limit_a: float,
        fallback_a: float,
        times: ProofTimes,
        on_finding: Callable[[Fact, bool, SeenBy], None],
    ) -> None:
        """Prepare. The two limits and what the charger does alone are at least 1 A apart."""
        self.step = Fact.TAKES_LEASE
        """The fact that is being tried."""
        self._station = station
        self._limit_a = limit_a
        self._fallback_a = fallback_a
        self._times = times
        self._on_finding = on_finding
        self._lapse: _Lapse | None = None

    async def run(self) -> None:
        """Try one fact after the other, until one is seen not to hold that the others need.

        Raises ProofStopped where nothing can be seen, TimeoutError if all takes too long.
        """
        async with asyncio.timeout(self._times.total_s):
            can_lapse, lapses = await self._try_leases()
            self.step = Fact.OUTLASTS_LINK_LOSS
            await self._set_limit(self._times.second_lease_s)
            self._station.disconnect("the fallback is being proven")
            await self._ready_within(self._times.reconnect_s, boots=self._station.boots)
            if not await self._is_still_limited():
                return
            self.step = Fact.OUTLASTS_REBOOT
            await self._reboot()
            if await self._is_still_limited() and lapses:
                # What was kept over a reboot has to lapse all the same.
                await self._falls_back()
        if not can_lapse:
            # It takes no second period, or its clock is too far off to rely on one.
            self.step = Fact.TAKES_LEASE
            raise ProofStopped

    async def run_beside_car(self) -> None:
        """Try limits of the transaction that runs; raises as `run` does.

        It has to fall back also where the link was lost meanwhile: a charger that goes on with a
        transaction's limit for as long as it is alone proves nothing.
        """
        async with asyncio.timeout(self._times.total_s):
            self._station.lease = LeaseMechanism.TRANSACTION
            # The transaction has to have a limit of its own before the default may fall below it.
            await self._set_limit(self._times.first_lease_s)
            self.step = Fact.TAKES_LEASE
            await self._set_limit(self._times.first_lease_s)
            if self._lapse is None:
                raise ProofStopped
            self.step = Fact.LAPSES
            lapses = is_same(await self._limit_shown_a(), self._limit_a)
            if lapses and (lapses := await self._sees_lapse()):
                await self._set_limit(self._times.second_lease_s)
                self._station.disconnect("the fallback is being proven")
                await self._ready_within(self._times.reconnect_s, boots=self._station.boots)
                lapses = await self._sees_lapse()
            self._found(lapses)

    async def _try_leases(self) -> tuple[bool, bool]:
        """Try one way after the other to have a limit end by itself.

        Return whether one was taken, and whether one was seen to work, which is in use then.
        """
        station, can_lapse = self._station, False
        station.lease = LeaseMechanism.TAIL
        await self._set_limit(self._times.first_lease_s)
        if not is_same(await self._limit_shown_a(), self._limit_a):
            # What the charger tells of its limits cannot be relied on.
            raise ProofStopped
        if self._lapse is not None:
            can_lapse = True
            if await self._falls_back():
                return True, True
        for lease in station.possible_leases:
            if lease in (LeaseMechanism.TAIL, LeaseMechanism.TRANSACTION):
                continue
            station.lease, self.step = lease, Fact.TAKES_LEASE
            await self._set_limit(self._times.first_lease_s)
            if self._lapse is None:
                continue
            can_lapse = True
            if not is_same(await self._limit_shown_a(), self._limit_a):
                # It takes one profile for the other.
                self.step = Fact.LAPSES
                self._found(False)
            elif await self._falls_back():
                return True, True
        station.lease = LeaseMechanism.TAIL
        return can_lapse, False

    async def _set_limit(self, lease_s: float) -> None:
        limit = Limit(limit_a=self._limit_a, fallback_a=self._fallback_a, lease_s=lease_s)
        while True:
            await self._station.prepare_lease(CONNECTOR, limit)
            leased = self._station.lapses_after_s(CONNECTOR, limit) is not None
            # One that may have an end of which nothing is known could not be seen to be kept.
            told = limit if leased else replace(limit, lease_s=None)
            answer = await self._station.set_limit(CONNECTOR, told, urgent=False)
            if answer is LimitAnswer.ACCEPTED or not self._station.tries_another_form:
                break
            await asyncio.sleep(OTHER_FORM_AFTER_S)
        is_first = self.step is Fact.TAKES_LEASE
        if leased and is_first and answer in (LimitAnswer.ACCEPTED, LimitAnswer.REJECTED):
            takes_lease = answer is LimitAnswer.ACCEPTED
            self._on_finding(Fact.TAKES_LEASE, takes_lease, SeenBy.ANSWER)
        if answer is not LimitAnswer.ACCEPTED:
            raise ProofStopped
        self._lapse = None
        if leased:
            lapses_at = datetime.now(UTC) + timedelta(seconds=lease_s)
            ahead_s = self._station.clock_skew_s or 0.0
            early_s, late_s = max(ahead_s, 0.0), max(-ahead_s, 0.0)
            self._lapse = _Lapse(
                earliest=lapses_at - timedelta(seconds=early_s + ROUNDING_S),
                latest=lapses_at + timedelta(seconds=late_s + self._times.following_s),
            )

    async def _falls_back(self) -> bool:
        """Wait for the lapse, tell whether it was seen, and have that remembered."""
        return self._found(await self._sees_lapse())

    async def _sees_lapse(self) -> bool:
        """Wait for the lapse and tell whether it was seen."""
        self.step = Fact.LAPSES
        lapse = self._lapse
        assert lapse is not None
        await _until(lambda: datetime.now(UTC) >= lapse.earliest)
        while not (lapsed := is_same(await self._limit_shown_a(), self._fallback_a)):
            if datetime.now(UTC) > lapse.latest:
                break
            await asyncio.sleep(POLL_S)
        return lapsed

    async def _is_still_limited(self) -> bool:
        """Tell whether the charger, which was sent nothing since, still has its limit."""
        shown_a = await self._limit_shown_a()
        now, lapse = datetime.now(UTC), self._lapse
        kept = (lapse is None or now <= lapse.latest) and is_same(shown_a, self._limit_a)
        fell_back = (
            lapse is not None and now >= lapse.earliest and is_same(shown_a, self._fallback_a)
        )
        return self._found(kept or fell_back)

    async def _reboot(self) -> None:
        boots = self._station.boots
        try:
            await self._station.reset(hard=False)
        except StationError as error:
            raise ProofStopped from error
        await self._ready_within(self._times.reboot_s, boots=boots + 1)

    async def _ready_within(self, timeout_s: float, *, boots: int) -> None:
        """Wait for the charger to be there again, after so many boots in all."""
        try:
            async with asyncio.timeout(timeout_s):
                await _until(lambda: self._station.ready and self._station.boots >= boots)
        except TimeoutError as error:
            raise ProofStopped from error

    async def _limit_shown_a(self) -> float:
        """Return the limit that the charger says is in force. Raises ProofStopped."""
        times = self._times
        return await limit_shown_a(
            self._station, duration_s=int(times.second_lease_s), within_s=times.following_s
        )

    def _found(self, holds: bool) -> bool:
        self._on_finding(self.step, holds, SeenBy.COMPOSITE_SCHEDULE)
        return holds


async def limit_shown_a(station: TryableStation, *, duration_s: int, within_s: float) -> float:
    """Return the limit that a charger says is in force. Raises ProofStopped."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                try:
                    schedule = await station.composite_schedule(CONNECTOR, duration_s=duration_s)
                except StationUnreachable:
                    schedule = None
                if schedule is not None:
                    return schedule.limit_now_a
                await asyncio.sleep(POLL_S)
    except (StationError, TimeoutError) as error:
        raise ProofStopped from error


async def _until(condition: Callable[[], bool]) -> None:
    # A calendar tells no event when it has come so far, and what is waited for takes minutes.
    while True:
        if condition():
            return
        await asyncio.sleep(POLL_S)


def is_same(one_a: float, other_a: float) -> bool:
    """Return whether a charger may mean one limit by the other."""
    return abs(one_a - other_a) <= TOLERANCE_A
