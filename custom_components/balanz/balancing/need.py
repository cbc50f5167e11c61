"""What a car still needs until it leaves."""

from dataclasses import dataclass
from math import inf

from .model import NOMINAL_VOLTAGE_V

URGENT_S = 300.0
"""A car that leaves sooner, or should have left, is reckoned with as if it left then."""
UNTOLD_STAY_S = 4 * 3600.0
"""How long a car is reckoned to stay of which not all is known."""
UNTOLD_LEAST_S = 3600.0
"""It is reckoned to stay on for this long, however long it has been there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is known of it; None is what nobody has told."""

    energy_wh: float | None = None
    """The energy that is still to be charged."""
    departs_at: float | None = None
    """Monotonic seconds."""

    def current_a(self, phases: int, now: float) -> float | None:
        """Return the current that meets it just in time, A per line; None where it is unknown."""
        if self.energy_wh is None or self.departs_at is None:
            return None
        left_s = max(self.departs_at - now, URGENT_S)
        return max(self.energy_wh, 0.0) * 3600.0 / left_s / (NOMINAL_VOLTAGE_V * phases)

    def time_left_s(self, since: float, now: float) -> float:
        """Return the time in which it is to be met by a car that came then; no end once it is."""
        if self.energy_wh is None or self.departs_at is None:
            return max(since + UNTOLD_STAY_S - now, UNTOLD_LEAST_S)
        return max(self.departs_at - now, URGENT_S) if self.energy_wh > 0.0 else inf
