"""What a car still needs until it leaves, and what that is worth where a limit is shared."""

from dataclasses import dataclass

from .model import NOMINAL_VOLTAGE_V

URGENT_S = 300.0
"""A car that leaves sooner, or should have left, is reckoned with as if it left then."""
LEAST_WEIGHT = 1.0
MOST_WEIGHT = 3.0
"""What need may add: more would starve others where no share could meet it."""


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

    def weight(self, minimum_a: float, phases: int, now: float) -> float:
        """Return what a car is to get, relative to one of which nothing is known."""
        current_a = self.current_a(phases, now)
        if current_a is None:
            return LEAST_WEIGHT
        return min(max(current_a / minimum_a, LEAST_WEIGHT), MOST_WEIGHT)
