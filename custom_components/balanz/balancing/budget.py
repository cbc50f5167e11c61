"""How many limits a charger may still be sent: each is a write to its flash memory.

A day's writes are given out evenly, and saved up to one day's. Cuts are always sent; the fewer
writes are left, the further raises are spaced.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from .lease import SHORT_LEASE_S
from .model import ConnectorKey
from .standing import Standing
from .tuning import Tuning

DAY_S = 86_400.0
MOST_SPACING = 8.0
"""By how much scarce writes space raises further apart, at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One charger's writes, as they stood when it was last sent some."""

    left: float
    sent: int
    """How many it had been sent by then."""
    at: float
    """When that was, in monotonic seconds."""

    def left_at(self, tuning: Tuning, now: float) -> float:
        """Return how many there are left by now, with what a part of a day adds."""
        full = float(tuning.writes_per_day)
        return min(self.left + max(now - self.at, 0.0) * full / DAY_S, full)

    def spacing(self, tuning: Tuning, now: float) -> float:
        """Return how many times the usual spacing its raises need: 1 while half a day is left."""
        half = tuning.writes_per_day / 2
        return min(max(half / max(self.left_at(tuning, now), 1.0), 1.0), MOST_SPACING)

    def exhausted_until(self, tuning: Tuning, now: float) -> float | None:
        """Return when there is a write left again; None while there is one."""
        if self.left_at(tuning, now) >= 1.0:
            return None
        return self.at + (1.0 - self.left) * DAY_S / tuning.writes_per_day


def budgets(
    before: Mapping[str, Budget],
    standings: Mapping[ConnectorKey, Standing],
    tuning: Tuning,
    now: float,
) -> dict[str, Budget]:
    """Return the budget of each charger now, by its identity; as before where nothing was sent."""
    sent: defaultdict[str, int] = defaultdict(int)
    for standing in standings.values():
        # A lease that short is renewed all day long, where that wears nothing.
        counts = standing.connector.lease_s > SHORT_LEASE_S
        sent[standing.key.charger] += standing.known.writes if counts else 0
    return {
        identity: _spent(before.get(identity), count, tuning, now)
        for identity, count in sent.items()
    }


def _spent(before: Budget | None, sent: int, tuning: Tuning, now: float) -> Budget:
    if before is None:
        return Budget(left=float(tuning.writes_per_day), sent=sent, at=now)
    if sent == before.sent:
        return before
    # A charger that was set up anew counts from zero again.
    new = sent - before.sent if sent > before.sent else sent
    return Budget(left=max(before.left_at(tuning, now) - new, 0.0), sent=sent, at=now)
