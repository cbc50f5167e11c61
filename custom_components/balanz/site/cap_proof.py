"""Whether a charger takes the smaller of a limit for all of it and of other profiles beside it.

Only then can a back office's profiles lie in the charger: the limit of balanz is a cap on them.
It is tried with a charger that has one connector and no car, by what it says that it would offer
one: a profile below the cap has to count, one above it must not, and the cap has to be in force
still after that was cleared by its purpose.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ..csms.capabilities import Capabilities, RateUnit
from ..csms.charging_profile import ChargingProfile
from ..csms.command_values import CommandStatus, ProfileCriteria, ProfilePurpose, SchedulePeriod
from ..csms.profile_forms import MAX_STACK_LEVEL, OTHER_FORM_AFTER_S
from ..csms.profiles import NOMINAL_VOLTAGE_V, UNKNOWN_CLOCK_S, Limit, own_profile_ids
from ..csms.quirks import Quirks
from ..csms.station import LimitAnswer
from ..csms.station_errors import StationError
from ..csms.v16_commands import Commands
from ..storage.proofs import Fact, SeenBy
from .proof import CONNECTOR, ProofStopped, TryableStation, is_same, limit_shown_a

FOLLOWING_S = 10.0
"""How long a charger may say nothing."""
TOTAL_S = 120.0
_DURATION_S = 60
_OTHER_ID = own_profile_ids(CONNECTOR).transaction
"""Is nobody else's, and cleared together with the limit of balanz."""


class CappedStation(TryableStation, Protocol):
    """A charger that can be tried out."""

    capabilities: Capabilities
    quirks: Quirks
    commands: Commands
    capped: bool

    @property
    def takes_watts(self) -> bool:
        """Whether its limits are told in watts."""
        ...

    def doubt_fallbacks(self) -> None:
        """Learn that what its limits are to fall back to may be gone."""
        ...


class CapProof:
    """One proof of one charger. Where it holds, the charger is left with its limits as caps."""

    step = Fact.CAPS
    needs_car = False

    def __init__(
        self,
        station: CappedStation,
        *,
        least_a: float,
        cap_a: float,
        most_a: float,
        on_finding: Callable[[Fact, bool, SeenBy], None],
    ) -> None:
        """Prepare. The limits are at least 1 A apart, and the last one is the rating."""
        self._station = station
        self._least_a = least_a
        self._cap_a = cap_a
        self._most_a = most_a
        self._on_finding = on_finding

    async def run(self) -> None:
        """Try it. Raises ProofStopped where nothing can be seen, TimeoutError if it takes long."""
        self._station.capped = True
        holds = False
        try:
            async with asyncio.timeout(TOTAL_S):
                holds = await self._caps()
        finally:
            self._station.capped = holds

    async def _caps(self) -> bool:
        """Find it out, and leave no other profile behind."""
        if not await self._takes_cap():
            return self._found(False, SeenBy.ANSWER)
        # What its limits were to fall back to would count beside the cap.
        self._station.doubt_fallbacks()
        with suppress(StationError):
            await self._station.commands.clear_charging_profile(
                ProfileCriteria(profile_id=own_profile_ids(CONNECTOR).fallback)
            )
        if not is_same(await self._shown_a(), self._cap_a):
            # What it tells of its limits cannot be relied on.
            raise ProofStopped
        try:
            counts = await self._shown_beside_a(self._least_a)
            is_capped = await self._shown_beside_a(self._most_a)
            holds = is_same(counts, self._least_a) and is_same(is_capped, self._cap_a)
        finally:
            with suppress(StationError):
                await self._clear(ProfileCriteria(purpose=ProfilePurpose.TX_DEFAULT))
        keeps = is_same(await self._shown_a(), self._cap_a)
        return self._found(holds and keeps, SeenBy.COMPOSITE_SCHEDULE)

    async def _takes_cap(self) -> bool:
        limit = Limit(limit_a=self._cap_a, fallback_a=self._cap_a)
        while True:
            answer = await self._station.set_limit(CONNECTOR, limit, urgent=False)
            if answer is LimitAnswer.ACCEPTED:
                return True
            if not self._station.tries_another_form:
                break
            await asyncio.sleep(OTHER_FORM_AFTER_S)
        if answer is not LimitAnswer.REJECTED:
            raise ProofStopped
        return False

    async def _shown_beside_a(self, other_a: float) -> float:
        """Return the limit that is in force beside a profile for all transactions."""
        unit = RateUnit.WATT if self._station.takes_watts else RateUnit.AMPERE
        limit = other_a * NOMINAL_VOLTAGE_V if unit is RateUnit.WATT else other_a
        known = self._station.quirks.corrected(self._station.capabilities)
        profile = ChargingProfile(
            id=_OTHER_ID,
            # That of the limits: should it be left behind, the next one replaces it.
            stack_level=min(known.max_stack_level or 0, MAX_STACK_LEVEL),
            purpose=ProfilePurpose.TX_DEFAULT,
            kind="Absolute",
            unit=unit,
            periods=(SchedulePeriod(start_s=0, limit=limit),),
            starts_at=datetime.now(UTC) - timedelta(seconds=UNKNOWN_CLOCK_S),
        )
        try:
            status = await self._station.commands.set_charging_profile(CONNECTOR, profile)
        except StationError as error:
            raise ProofStopped from error
        if status is not CommandStatus.ACCEPTED:
            raise ProofStopped
        return await self._shown_a()

    async def _shown_a(self) -> float:
        return await limit_shown_a(self._station, duration_s=_DURATION_S, within_s=FOLLOWING_S)

    async def _clear(self, criteria: ProfileCriteria) -> None:
        """Clear as a back office's wish would be, and make sure of it where that did nothing."""
        status = await self._station.commands.clear_charging_profile(criteria)
        if status is not CommandStatus.ACCEPTED:
            await self._station.commands.clear_charging_profile(
                ProfileCriteria(profile_id=_OTHER_ID)
            )

    def _found(self, holds: bool, seen_by: SeenBy) -> bool:
        self._on_finding(self.step, holds, seen_by)
        return holds
