"""What each car can use, learnt from what it takes."""

import math
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from .model import Connector
from .probing import Probing

WINDOW_S = 60.0
"""A car that leaves current unused for this long does not want it now."""
UNUSED_A = 1.5
"""Less than this between offer and use is no waste: cars stay a little below their limit."""
HEADROOM_A = 1.0
"""What a car is offered above what it took, so that it can show that it wants more. One that has
shown its own maximum is offered it now and then only."""
PROBE_A = 3.0
"""How much more a car is thought to want once it uses all of its offer."""
ASLEEP_BELOW_A = 1.0
TRY_AGAIN_AFTER_S = 3600.0
"""How long a car that took nothing is passed over, where others want what it could be offered."""
TRY_FULL_AFTER_S = 6 * 3600.0
"""The same for one that has charged and stopped by itself."""
WAKE_AFTER_S = 30.0
"""How long a car that was paused may take to go on by itself before it is woken."""
WAKE_FOR_S = 10.0
"""How long the offer is withdrawn to wake a car: it takes notice of the change."""


class Idleness(Enum):
    """Why a car takes nothing of what it is offered."""

    DELAYED = auto()
    """It has taken nothing since it was plugged in: its own timer, or it is full already."""
    FULL = auto()
    """It has charged and stopped by itself."""
    ASLEEP = auto()
    """It was paused and has not gone on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appetite:
    """What one plugged-in car was seen to take. Currents in A per line, times monotonic s."""

    learnt_a: float | None = None
    """The most it is thought to want; None: no bound is known."""
    offer_a: float = 0.0
    """The limit that has been in force since `since`."""
    since: float = 0.0
    peak_a: float = 0.0
    """The largest reading since then."""
    idle_since: float | None = None
    """Since when it has been offered current and taken none; None where it takes some."""
    has_drawn: bool = False
    """Since it was plugged in."""
    has_drawn_since_pause: bool = False
    is_full: bool = False
    """Whether it has charged and stopped by itself, and drawn nothing since."""
    probing: Probing = field(default_factory=Probing)

    def offered(self, limit_a: float, now: float) -> Appetite:
        """Return the appetite after another limit came into force."""
        if limit_a == self.offer_a:
            return self
        begins = self.offer_a == 0.0 < limit_a
        changed = replace(
            self,
            offer_a=limit_a,
            since=now,
            peak_a=0.0,
            has_drawn_since_pause=self.has_drawn_since_pause and not begins,
        )
        if begins and self._is_due(now):
            # It gets another chance; should it want more than this, it will show.
            return replace(changed, idle_since=None, learnt_a=limit_a, probing=self.probing.anew())
        return changed

    def took(self, current_a: float, minimum_a: float, now: float) -> Appetite:
        """Return the appetite after a reading of the largest line current."""
        if self.offer_a < minimum_a:
            return replace(self, since=now, peak_a=0.0)
        draws = current_a >= ASLEEP_BELOW_A
        state = self
        if draws:
            state = replace(
                self, idle_since=None, has_drawn=True, has_drawn_since_pause=True, is_full=False
            )
        learnt_a, since, peak_a = self.learnt_a, self.since, max(self.peak_a, current_a)
        idle_since = state.idle_since
        probing = self.probing.took(current_a, now)
        if learnt_a is not None and draws and current_a > self.offer_a - UNUSED_A / 2:
            if not probing.is_proven or self.offer_a > learnt_a - HEADROOM_A:
                learnt_a, probing = max(learnt_a, self.offer_a) + PROBE_A, probing.anew()
        elif now - since >= WINDOW_S:
            if peak_a < ASLEEP_BELOW_A:
                idle_since = now if idle_since is None else idle_since
                state = replace(state, is_full=state.is_full or state.has_drawn_since_pause)
            else:
                learnt_a, probing = self._learnt(probing, peak_a, minimum_a, now)
            since, peak_a = now, current_a
        return replace(
            state,
            learnt_a=learnt_a,
            since=since,
            peak_a=peak_a,
            idle_since=idle_since,
            probing=probing,
        )

    def idleness(self) -> Idleness | None:
        """Return why it takes nothing; None where it takes something, or has had no chance yet."""
        if self.idle_since is None:
            return None
        if not self.has_drawn:
            return Idleness.DELAYED
        return Idleness.FULL if self.is_full else Idleness.ASLEEP

    def is_keen(self, now: float) -> bool:
        """Return whether it competes for current, rather than be offered what others leave.

        One that was paused and does not go on keeps its turn until waking it has failed.
        """
        if self.idle_since is None or (self.offer_a == 0.0 and self._is_due(now)):
            return True
        given_up_at = self.idle_since + WAKE_AFTER_S + WAKE_FOR_S + WINDOW_S
        return self.idleness() is Idleness.ASLEEP and now < given_up_at

    def is_being_woken(self, now: float) -> bool:
        """Return whether its offer is to be withdrawn for a moment, so that it wakes."""
        if self.idle_since is None or self.idleness() is not Idleness.ASLEEP:
            return False
        wake_at = self.idle_since + WAKE_AFTER_S
        return wake_at <= now < wake_at + WAKE_FOR_S

    def demand_a(self, connector: Connector, maximum_a: float) -> float:
        """Return the most that the car can use: its minimum while it sleeps, so it can wake."""
        if self.idle_since is not None:
            return connector.minimum_a
        if self.learnt_a is None:
            return maximum_a
        wanted_a = self.learnt_a - HEADROOM_A if self.probing.withholds else self.learnt_a
        return max(connector.minimum_a, min(maximum_a, wanted_a))

    def next_change(self, minimum_a: float, now: float) -> float | None:
        """Return when time alone may change what it wants; None if it does not."""
        times: list[float] = []
        if self.offer_a >= minimum_a:
            times.append(self.since + WINDOW_S)
        if self.idle_since is not None:
            wake_at = self.idle_since + WAKE_AFTER_S
            times += [wake_at, wake_at + WAKE_FOR_S, wake_at + WAKE_FOR_S + WINDOW_S, self._due_at]
        return min((time for time in times if time > now), default=None)

    def _learnt(
        self, probing: Probing, peak_a: float, minimum_a: float, now: float
    ) -> tuple[float | None, Probing]:
        """Return what is known of a car after a minute in which it took no more than a peak."""
        learnt_a = self.learnt_a
        if peak_a < self.offer_a - UNUSED_A:
            learnt_a = max(minimum_a, math.ceil(peak_a + HEADROOM_A))
        if learnt_a is None:
            return None, probing
        if learnt_a != self.learnt_a:
            return learnt_a, probing.anew()
        wanted_a = learnt_a - HEADROOM_A if probing.withholds else learnt_a
        if wanted_a <= self.offer_a and peak_a <= self.offer_a - UNUSED_A / 2:
            probing = probing.left_unused(peak_a, now)
        return learnt_a, probing

    def _is_due(self, now: float) -> bool:
        return self.idle_since is not None and now >= self._due_at

    @property
    def _due_at(self) -> float:
        after_s = TRY_FULL_AFTER_S if self.idleness() is Idleness.FULL else TRY_AGAIN_AFTER_S
        return (self.idle_since or 0.0) + after_s
