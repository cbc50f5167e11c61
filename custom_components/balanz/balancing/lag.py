"""How long a charger and its car take to follow a cut, learnt from the cuts that they followed."""

import math
from dataclasses import dataclass

from .commitments import LAG_S, TOLERANCE_A, Commitment

LEAST_S = 5.0
MOST_S = 60.0
"""Between these is what is reckoned with: no faster than a car has to be, nor for ever."""
ENOUGH_CUTS = 5
"""With fewer, what was seen may be luck."""
CUTS_KEPT = 20
LONGEST_S = 600.0
"""A fall that comes later has another cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntLag:
    """The times from the acceptance of a cut until the meter showed it, s, the newest last.

    A meter is read now and then, so that the truth may be shorter, and never longer.
    """

    cuts_s: tuple[float, ...] = ()

    @property
    def lag_s(self) -> float:
        """Return how long to wait before a current that is too high means disobedience, s."""
        p95_s = self.quantile_s(0.95)
        if p95_s is None or len(self.cuts_s) < ENOUGH_CUTS:
            return LAG_S
        return min(max(p95_s, LEAST_S), MOST_S)

    def quantile_s(self, share: float) -> float | None:
        """Return the time within which this share of the cuts was followed; None without any."""
        if not self.cuts_s:
            return None
        return sorted(self.cuts_s)[max(math.ceil(share * len(self.cuts_s)), 1) - 1]

    def measured(self, before: Commitment, after: Commitment, now: float) -> LearntLag:
        """Learn from a reading that made one commitment of another (monotonic seconds)."""
        falling, accepted_a = before.falling, after.accepted_a
        if falling is None or after.falling is not None or accepted_a is None:
            return self
        if falling.drew_a is None or falling.drew_a <= accepted_a + TOLERANCE_A:
            # It drew no more than that before, so that nothing was seen to fall.
            return self
        took_s = now - falling.since
        if not 0 <= took_s <= LONGEST_S:
            return self
        return LearntLag(cuts_s=(*self.cuts_s, round(took_s, 1))[-CUTS_KEPT:])
