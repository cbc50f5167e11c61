"""When a car that has shown its own maximum is offered more, so that it can show that it has risen.

A car that leaves a little unused is offered that little all the same, since it may be on its way
up. One that has never taken more, and does not for minutes, is at its own maximum: what it leaves
is better used by others, and one look now and then tells whether it still is.
"""

from dataclasses import dataclass, replace
from math import inf

FIRST_AFTER_S = 300.0
"""How long a car is offered more than it takes, and how long until the first look."""
LATEST_AFTER_S = 3600.0
"""The wait doubles at each look in vain, up to this."""
LESS_BY_A = 0.75
"""A car that takes this much less than before has not the same maximum as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """What is known of one car's own maximum. Currents in A per line, times monotonic s."""

    highest_a: float = 0.0
    """The most that it has taken since it was plugged in."""
    withholds: bool = False
    """Whether it is offered no more than it takes."""
    since: float | None = None
    """Since when that is so, or since when it has left more unused; None before it was seen to."""
    wait_s: float = FIRST_AFTER_S
    """How long it stays so."""
    looks_in_vain: int = 0
    """How often it has left more unused after that was withheld."""

    @property
    def is_proven(self) -> bool:
        """Whether taking all of what it is known to take is no sign that it wants more."""
        return self.withholds or self.looks_in_vain > 0

    def took(self, current_a: float, now: float) -> Probing:
        """Return the state after a reading: it is time for another look, or it is not."""
        due = self.withholds and self.since is not None and now - self.since >= self.wait_s
        highest_a = max(self.highest_a, current_a)
        if due:
            return replace(
                self,
                highest_a=highest_a,
                withholds=False,
                since=None,
                looks_in_vain=self.looks_in_vain + 1,
            )
        return self if highest_a == self.highest_a else replace(self, highest_a=highest_a)

    def left_unused(self, peak_a: float, now: float) -> Probing:
        """Return the state after a minute in which it left unused what it was offered more."""
        if peak_a < self.highest_a - LESS_BY_A:
            # It has taken more before, and may again at any time. Where it takes less as soon as
            # it is offered less, it needs the difference for good.
            wait_s = inf if self.withholds else self.wait_s
            return Probing(highest_a=self.highest_a, wait_s=wait_s)
        if self.withholds:
            return self
        if self.looks_in_vain > 0:
            wait_s = min(FIRST_AFTER_S * 2.0**self.looks_in_vain, LATEST_AFTER_S)
            return replace(self, withholds=True, since=now, wait_s=wait_s)
        if self.since is None:
            return replace(self, since=now)
        if now - self.since >= self.wait_s:
            return replace(self, withholds=True, since=now)
        return self

    def anew(self) -> Probing:
        """Return the state once it takes another current than it was known to."""
        return Probing(highest_a=self.highest_a)
