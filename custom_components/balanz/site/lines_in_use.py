"""How many of a charger's lines a car draws from, which is what a limit in watts is shared by."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..balancing.phase_use import LEARNT_AFTER_S, USED_ABOVE_A

_UNEVEN = 0.1
"""Lines of one car do not carry quite the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesInUse:
    """The lines that share a car's power. Times are monotonic seconds.

    Fewer count at once, since each of them then carries more; more only once they have been seen
    for a while.
    """

    count: int = 1
    seen: int = 1
    since: float = 0.0
    """Since when so many were seen."""

    def took(self, currents_a: Sequence[float], now: float) -> LinesInUse:
        """Return the same after a reading of each line, A."""
        largest_a = max(currents_a, default=0.0)
        if largest_a < USED_ABOVE_A:
            return self
        used = max(int(sum(currents_a) / largest_a + _UNEVEN), 1)
        since = self.since if used == self.seen else now
        learnt = used < self.count or now - since >= LEARNT_AFTER_S
        return LinesInUse(count=used if learnt else self.count, seen=used, since=since)
