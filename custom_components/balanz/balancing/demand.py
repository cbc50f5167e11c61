"""What each car can use, learnt from what it takes."""

import math
from dataclasses import dataclass

from .model import Connector

WINDOW_S = 60.0
"""A car that leaves current unused for this long does not want it now."""
UNUSED_A = 1.5
"""Less than this between offer and use is no waste: cars stay a little below their limit."""
HEADROOM_A = 1.0
"""What a car is offered above what it took, so that it can show that it wants more."""
PROBE_A = 3.0
"""How much more a car is thought to want once it uses all of its offer."""
ASLEEP_BELOW_A = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Appetite:
    """What one plugged-in car was seen to take. Currents in A per line."""

    learnt_a: float | None = None
    """The most it is thought to want; None: no bound is known."""
    asleep: bool = False
    """It was offered current and took none for a while."""
    offer_a: float = 0.0
    """The limit that has been in force since `since`."""
    since: float = 0.0
    peak_a: float = 0.0
    """The largest reading since then."""

    def offered(self, limit_a: float, now: float) -> Appetite:
        """Return the appetite after another limit came into force."""
        if limit_a == self.offer_a:
            return self
        return Appetite(
            learnt_a=self.learnt_a, asleep=self.asleep, offer_a=limit_a, since=now, peak_a=0.0
        )

    def took(self, current_a: float, minimum_a: float, now: float) -> Appetite:
        """Return the appetite after a reading of the largest line current."""
        learnt_a = self.learnt_a
        asleep = self.asleep
        peak_a = max(self.peak_a, current_a)
        since = self.since
        if self.offer_a < minimum_a:
            return Appetite(
                learnt_a=learnt_a, asleep=asleep, offer_a=self.offer_a, since=now, peak_a=0.0
            )
        if current_a >= ASLEEP_BELOW_A:
            asleep = False
        if learnt_a is not None and current_a > self.offer_a - UNUSED_A / 2:
            learnt_a = max(learnt_a, self.offer_a) + PROBE_A
        elif now - since >= WINDOW_S:
            if peak_a < ASLEEP_BELOW_A:
                asleep = True
            elif peak_a < self.offer_a - UNUSED_A:
                learnt_a = max(minimum_a, math.ceil(peak_a + HEADROOM_A))
            since = now
            peak_a = current_a
        return Appetite(
            learnt_a=learnt_a, asleep=asleep, offer_a=self.offer_a, since=since, peak_a=peak_a
        )

    def demand_a(self, connector: Connector, maximum_a: float) -> float:
        """Return the most that the car can use: its minimum while it sleeps, so it can wake."""
        if self.asleep:
            return connector.minimum_a
        if self.learnt_a is None:
            return maximum_a
        return max(connector.minimum_a, min(maximum_a, self.learnt_a))

    def next_change(self, minimum_a: float) -> float | None:
        """Return when the present window ends; None while nothing is offered."""
        return self.since + WINDOW_S if self.offer_a >= minimum_a else None
