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
    """One charger's writes."""

    left: float
    sent: int
    """How many it had been sent when this was reckoned."""
    at: float
    """Monotonic seconds."""

    def spacing(self, tuning: Tuning) -> float:
        """Return how many times the usual spacing its raises need: 1 while half a day is left."""
        half = tuning.writes_per_day / 2
        return min(max(half / max(self.left, 1.0), 1.0), MOST_SPACING)

    def exhausted_until(self, tuning: Tuning) -> float | None:
        """Return when there is a write left again; None while there is one."""
        if self.left >= 1.0:
            return None
        return self.at + (1.0 - self.left) * DAY_S / tuning.writes_per_day


def budgets(
    before: Mapping[str, Budget],
    standings: Mapping[ConnectorKey, Standing],
    tuning: Tuning,
    now: float,
) -> dict[str, Budget]:
    """Return the budget of each charger now, by its identity."""
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
    full = float(tuning.writes_per_day)
    if before is None:
        return Budget(left=full, sent=sent, at=now)
    left = before.left + max(now - before.at, 0.0) * full / DAY_S
    # A charger that was set up anew counts from zero again.
    new = sent - before.sent if sent >= before.sent else sent
    left = (full if left > full else left) - new
    return Budget(left=left if left > 0.0 else 0.0, sent=sent, at=now)
