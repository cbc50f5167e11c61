"""Charging from solar surplus: a limit for comfort, below the one for safety.

What the site exports, and what its chargers draw of what it would export, is surplus. All phases
count together, as the utility's meter counts them. Clouds come and go, so that what is used is
the least of the last minute, and a car that charges keeps its minimum until there has not been
enough for it for some minutes.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

FILTER_S = 60.0
"""What has lasted this long is counted on."""
PATIENCE_S = 300.0
"""How long a car that charges keeps its minimum though the surplus does not cover it."""
CALM_A = 1.5
"""A surplus that changes by less changes nothing: what it costs or brings is cents."""


class SurplusMode(StrEnum):
    """What a metered group's chargers use."""

    IGNORE = "ignore"
    """All that the group's limit leaves."""
    ONLY = "only"
    """Nothing but surplus."""
    MINIMUM_PLUS = "minimum_plus"
    """Everyone's minimum, and surplus above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """What one group's meter has told of its surplus, A over all phases; negative for a lack."""

    samples: tuple[tuple[int, float], ...] = ()
    """The least of each second, the newest last."""
    held_a: float = 0.0
    """What is used; it follows only where that makes a difference."""

    def observe(self, surplus_a: float, at: float) -> Surplus:
        """Return what is known after another estimate (monotonic seconds)."""
        second = int(at)
        recent = tuple(sample for sample in self.samples if sample[0] > at - PATIENCE_S - 1)
        if recent and recent[-1][0] == second:
            least_a = min(recent[-1][1], surplus_a)
            recent = (*recent[:-1], (second, least_a))
        else:
            recent = (*recent, (second, surplus_a))
        return replace(self, samples=recent)

    def settled(self, now: float) -> Surplus:
        """Return it with what is used brought up to date."""
        samples = tuple(sample for sample in self.samples if sample[0] + 1 > now - PATIENCE_S)
        lasting_a = min((a for second, a in samples if second + 1 > now - FILTER_S), default=0.0)
        moved = not samples or abs(lasting_a - self.held_a) >= CALM_A
        return Surplus(samples=samples, held_a=lasting_a if moved else self.held_a)

    def limit_a(self, mode: SurplusMode, charging_a: float, wanting_a: float) -> float:
        """Return what chargers may use, A over all phases.

        `charging_a` is what the minimums of those add up to that charge, `wanting_a` that of all
        that want to.
        """
        if mode is SurplusMode.MINIMUM_PLUS:
            return wanting_a + max(self.held_a, 0.0)
        highest_a = max((a for _, a in self.samples), default=0.0)
        return max(self.held_a, min(highest_a, charging_a))

    def next_change(self, now: float) -> float | None:
        """Return when time alone may change what is used; None where nothing is known."""
        return now + FILTER_S / 4 if self.samples else None
