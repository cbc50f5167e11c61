"""What a day brought: energy, fairness, and every second over a limit."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from .days import SiteDay
from .phases import Currents

TOLERANCE_A = 0.01
FOLLOW_S = 6
"""How long a car may take to follow, and a second for being counted by the second."""


class LowestOfLate:
    """The smallest of the values of the last seconds."""

    def __init__(self, length_s: int) -> None:
        """Look back so far."""
        self._length_s = length_s
        self._candidates: deque[tuple[int, float]] = deque()

    def add(self, second: int, value: float) -> float:
        """Take in the value of a second, and return the smallest since then and before."""
        while self._candidates and self._candidates[-1][1] >= value:
            self._candidates.pop()
        self._candidates.append((second, value))
        while self._candidates[0][0] < second - self._length_s:
            self._candidates.popleft()
        return self._candidates[0][1]


class OverLimit:
    """Seconds over a limit, and those of them that no rise of the house or cut of it explains.

    A second over the main fuse is explained if the same cars would have fitted beside the least
    house load, and within the largest capacity, of the time that a reaction takes.
    """

    def __init__(self, day: SiteDay, *, reaction_s: int, answer_s: int) -> None:
        """Count from zero. `answer_s` is what a charger's answer takes at the longest."""
        self.seconds = 0
        self.ampere_seconds = 0.0
        self.preventable_s = 0
        self._group_a = day.layout.group_a
        self._least_house = [LowestOfLate(reaction_s) for _ in range(3)]
        self._least_missing = LowestOfLate(answer_s + FOLLOW_S)

    def add(self, second: int, cars: Sequence[float], house: Currents, capacity_a: float) -> None:
        """Take in what flowed in a second, at each node."""
        highest_a = -self._least_missing.add(second, -capacity_a)
        excess_a = 0.0
        preventable = False
        for phase in range(3):
            least_a = self._least_house[phase].add(second, house[phase])
            over_a = cars[phase] + house[phase] - capacity_a
            if over_a > TOLERANCE_A:
                excess_a = max(excess_a, over_a)
                no_change_explains = cars[phase] + least_a - highest_a > TOLERANCE_A
                preventable |= cars[phase] > TOLERANCE_A and no_change_explains
        for current_a in cars[3:]:
            if current_a - self._group_a > TOLERANCE_A:
                excess_a = max(excess_a, current_a - self._group_a)
                preventable = True
        if excess_a > 0:
            self.seconds += 1
            self.ampere_seconds += excess_a
            self.preventable_s += preventable


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one car was given."""

    asked_wh: float
    energy_wh: float
    stay_s: int
    waited_s: int
    """Until its first current; its whole stay where it never had any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a day brought under one controller."""

    served: tuple[Served, ...]
    """As the cars arrived."""
    over: OverLimit | None = None
    switches: int = 0
    writes: int = 0
    charging_s: int = 0
    step_us: float | None = None

    @property
    def energy_wh(self) -> float:
        """What all cars were given."""
        return sum(one.energy_wh for one in self.served)
