"""The step in which a charger's current moves, learnt from its limits and what flowed then.

A car that takes less than it may can do so by itself: it is full, or its own charger is small.
What flowed below a limit therefore counts only once the same car has been seen to take as much as
that limit.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .commitments import Commitment

STEPS_A = (0.1, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""The steps that are told apart."""
ROUNDED_UP_FROM_A = 2.0
"""A charger that rounds a smaller step up is not told from an inexact meter."""
LEAST_A = 5.0
"""With less than that no car charges."""
SETTLES_S = 15.0
"""How long after its lag a car may still be on its way to a limit."""
STEADY_S = 15.0
"""For how long a current has to stay where it is to count."""
NOISE_A = 0.3
"""By how much it may move meanwhile."""
BELOW_A = 0.5
ABOVE_A = 0.25
"""How far from the step that it is on a current may be: cars take a little less than they may."""
ENOUGH = 2
"""How often something has to be seen, lest it be chance."""
LIMITS_KEPT = 16


class Seen(NamedTuple):
    """A limit that was in force, and the current that then flowed, A."""

    limit_a: float
    current_a: float

    @property
    def is_short(self) -> bool:
        """Whether the car took less than it might have."""
        return self.current_a < self.limit_a - BELOW_A


class _Steady(NamedTuple):
    """A current that stays under a limit since two instants (monotonic seconds)."""

    accepted_at: float
    current_a: float
    since: float
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What was seen at one connector."""

    seen: tuple[Seen, ...] = ()
    """The newest of each limit, the limits that were seen last at the end."""
    step_a: float | None = field(init=False, compare=False)
    """The step; None while it is not known. Steps below 1 A are told apart only where limits were
    sent that need them."""

    def __post_init__(self) -> None:
        """Work out what each look at the site asks."""
        object.__setattr__(self, "step_a", _step_a(self.seen))

    def saw(self, new: Iterable[Seen]) -> Resolution:
        """Return it with more that was seen."""
        seen = _with(self.seen, new)
        return self if seen == self.seen else Resolution(seen=seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionWatch:
    """Tells what counts from what passes while one car charges."""

    doubted: tuple[Seen, ...] = ()
    """Where the car took less than its limit, and has not been seen to take as much since."""
    steady: _Steady | None = None

    def measured(
        self, commitment: Commitment, now: float
    ) -> tuple[ResolutionWatch, tuple[Seen, ...]]:
        """Take in a reading that a commitment has just taken in (monotonic seconds).

        Return what counts from now on.
        """
        limit_a, accepted_at = commitment.accepted_a, commitment.accepted_at
        reading = commitment.reading
        if (
            limit_a is None
            or accepted_at is None
            or reading is None
            or reading.current_a < LEAST_A
            or commitment.uncertain_a is not None
            or commitment.foreign_a is not None
        ):
            return (self if self.steady is None else replace(self, steady=None)), ()
        if commitment.pending is not None or now < accepted_at + commitment.lag_s + SETTLES_S:
            return self, ()
        steady, current_a = self.steady, reading.current_a
        if (
            steady is None
            or steady.accepted_at != accepted_at
            or abs(steady.current_a - current_a) > NOISE_A
        ):
            return replace(self, steady=_Steady(accepted_at, current_a, now)), ()
        if steady.counted or now < steady.since + STEADY_S:
            return self, ()
        new = Seen(limit_a, round(current_a, 1))
        sure = [it for it in self.doubted if it.limit_a <= current_a + BELOW_A]
        doubted = [it for it in self.doubted if it not in sure]
        (doubted if new.is_short else sure).append(new)
        counted = steady._replace(counted=True)
        after = ResolutionWatch(doubted=tuple(doubted[-LIMITS_KEPT:]), steady=counted)
        return after, tuple(sure)


def _with(seen: tuple[Seen, ...], new: Iterable[Seen]) -> tuple[Seen, ...]:
    """Return what was seen with the new: no limit more often than it takes to be sure."""
    for one in new:
        same = [it for it in seen if it.limit_a == one.limit_a]
        if len(same) >= ENOUGH:
            seen = tuple(it for it in seen if it is not same[0])
        seen = (*seen, one)
    return seen[-LIMITS_KEPT * ENOUGH :]


def _step_a(seen: tuple[Seen, ...]) -> float | None:
    """Return the one step that explains all that was seen; None where there is not one."""
    needs_tenths = any(abs(it.limit_a - round(it.limit_a)) > ABOVE_A for it in seen)
    against = {
        way: [it for it in seen if not way.explains(it)]
        for way in _WAYS
        if needs_tenths or way.step_a >= 1.0
    }
    explaining = [way for way, others in against.items() if not others]
    if len(explaining) != 1:
        return None
    [way] = explaining
    if any(len(others) < ENOUGH for other, others in against.items() if other != way):
        return None
    if way.step_a >= ROUNDED_UP_FROM_A:
        # Where a car was held by something else for a while, it was so at one current.
        on_steps = [it for it in seen if way.leads_to_a(it.limit_a) == it.limit_a]
        rounded_to_a = {way.leads_to_a(it.limit_a) for it in seen if it not in on_steps}
        if min(len(on_steps), len(rounded_to_a)) < ENOUGH:
            return None
    return way.step_a


class _Way(NamedTuple):
    """One way in which a charger may round its limits."""

    step_a: float
    up: bool = False

    def leads_to_a(self, limit_a: float) -> float:
        """Return the current that a limit leads to."""
        steps = round(limit_a / self.step_a, 6)
        return round((math.ceil(steps) if self.up else math.floor(steps)) * self.step_a, 6)

    def explains(self, seen: Seen) -> bool:
        """Return whether a charger that rounds like this can have been seen so."""
        return -BELOW_A <= seen.current_a - self.leads_to_a(seen.limit_a) <= ABOVE_A


_WAYS = (
    *(_Way(step_a) for step_a in STEPS_A),
    *(_Way(step_a, up=True) for step_a in STEPS_A if step_a >= ROUNDED_UP_FROM_A),
)
