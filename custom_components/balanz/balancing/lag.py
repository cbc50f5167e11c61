"""How long a charger and its car take to follow a cut, learnt from the cuts that they followed."""

import math
from dataclasses import dataclass

from .commitments import LAG_S, TOLERANCE_A, Commitment

LEAST_S = 10.0
"""No less is reckoned with, however fast it was: the next car may take the 5 s that it has, and the
charger may hold its signal for 5 s before (IEC 61851-1)."""
MOST_S = 60.0
"""No more is: it would be waited for for ever."""
MARGIN_S = 2.0
"""How much longer than it ever took it is given."""
ENOUGH_CUTS = 5
"""With fewer, that it was fast may be luck. That it was slow never is."""
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
        """Return how long it may take to follow a cut, s.

        Until then the current that it had stays booked where no meter shows its fall, and a current
        that is too high is no disobedience.
        """
        least_s = LAG_S if len(self.cuts_s) < ENOUGH_CUTS else LEAST_S
        return min(max(least_s, max(self.cuts_s, default=0.0) + MARGIN_S), MOST_S)

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
