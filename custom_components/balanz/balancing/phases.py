"""Currents per phase, and how a charger's lines are wired to the grid's phases."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

EPSILON_A = 1e-6
"""Rounding errors of sums stay below this; no fuse notices it."""


class Phase(StrEnum):
    """A phase of the grid."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"

    # An enumeration's own hash is worked out anew each time, and phases are looked up all the time.
    __hash__ = str.__hash__


ALL_PHASES: tuple[Phase, ...] = (Phase.L1, Phase.L2, Phase.L3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseCurrents:
    """A current on each phase of the grid, in A; import is positive."""

    l1: float = 0.0
    l2: float = 0.0
    l3: float = 0.0

    @classmethod
    def uniform(cls, current_a: float, phases: Iterable[Phase] = ALL_PHASES) -> Self:
        """Return the same current on each of the given phases, and none on the others."""
        if phases is ALL_PHASES:
            return cls(l1=current_a, l2=current_a, l3=current_a)
        chosen = tuple(phases)
        return cls(
            l1=current_a if Phase.L1 in chosen else 0.0,
            l2=current_a if Phase.L2 in chosen else 0.0,
            l3=current_a if Phase.L3 in chosen else 0.0,
        )

    @classmethod
    def total(cls, parts: Iterable[PhaseCurrents]) -> Self:
        """Return the sum of all parts, phase by phase."""
        l1 = l2 = l3 = 0.0
        for part in parts:
            l1 += part.l1
            l2 += part.l2
            l3 += part.l3
        return cls(l1=l1, l2=l2, l3=l3)

    def __getitem__(self, phase: Phase) -> float:
        """Return the current of one phase."""
        match phase:
            case Phase.L1:
                return self.l1
            case Phase.L2:
                return self.l2
            case Phase.L3:
                return self.l3

    def __iter__(self) -> Iterator[float]:
        """Iterate over L1, L2, L3."""
        return iter((self.l1, self.l2, self.l3))

    def __add__(self, other: PhaseCurrents) -> PhaseCurrents:
        """Add phase by phase."""
        return PhaseCurrents(l1=self.l1 + other.l1, l2=self.l2 + other.l2, l3=self.l3 + other.l3)

    def __sub__(self, other: PhaseCurrents) -> PhaseCurrents:
        """Subtract phase by phase."""
        return PhaseCurrents(l1=self.l1 - other.l1, l2=self.l2 - other.l2, l3=self.l3 - other.l3)

    def map(self, function: Callable[[float], float]) -> PhaseCurrents:
        """Apply a function to each phase."""
        return PhaseCurrents(l1=function(self.l1), l2=function(self.l2), l3=function(self.l3))

    def maximum(self, other: PhaseCurrents) -> PhaseCurrents:
        """Return the larger current of each phase."""
        if not (other.l1 > self.l1 or other.l2 > self.l2 or other.l3 > self.l3):
            return self
        return PhaseCurrents(
            l1=other.l1 if other.l1 > self.l1 else self.l1,
            l2=other.l2 if other.l2 > self.l2 else self.l2,
            l3=other.l3 if other.l3 > self.l3 else self.l3,
        )

    def minimum(self, other: PhaseCurrents) -> PhaseCurrents:
        """Return the smaller current of each phase."""
        if not (other.l1 < self.l1 or other.l2 < self.l2 or other.l3 < self.l3):
            return self
        return PhaseCurrents(
            l1=other.l1 if other.l1 < self.l1 else self.l1,
            l2=other.l2 if other.l2 < self.l2 else self.l2,
            l3=other.l3 if other.l3 < self.l3 else self.l3,
        )

    @property
    def without_export(self) -> PhaseCurrents:
        """The same currents with export counted as zero, since export is not headroom."""
        return self.map(lambda current_a: max(current_a, 0.0))


ZERO = PhaseCurrents()


class PhaseMap(StrEnum):
    """Which grid phase feeds the charger's first, second and third line.

    The three single phases are for chargers wired to one phase only, the six rotations for those
    wired to three. What is not known costs all three phases.
    """

    UNKNOWN = "unknown"
    L1 = "l1"
    L2 = "l2"
    L3 = "l3"
    L1_L2_L3 = "l1_l2_l3"
    L2_L3_L1 = "l2_l3_l1"
    L3_L1_L2 = "l3_l1_l2"
    L1_L3_L2 = "l1_l3_l2"
    L3_L2_L1 = "l3_l2_l1"
    L2_L1_L3 = "l2_l1_l3"

    __hash__ = str.__hash__

    @property
    def lines(self) -> tuple[Phase, ...] | None:
        """The grid phase behind each of the charger's lines, or None where it is not known."""
        return _LINES.get(self)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The grid phases that a current through the charger may load."""
        return self.lines or ALL_PHASES

    def spread(self, limit_a: float) -> PhaseCurrents:
        """Return what a limit per line may put on each phase of the grid."""
        return PhaseCurrents.uniform(limit_a, _LOADED[self])

    def draw(self, line_currents_a: tuple[float, ...]) -> tuple[PhaseCurrents, PhaseCurrents]:
        """Return the least and the most that measured line currents put on each grid phase.

        Where the wiring is known, both are the same. Fewer values than lines mean that the others
        carry nothing.
        """
        lines = self.lines
        if lines is None:
            whole = len(line_currents_a) == len(ALL_PHASES)
            least_a = min(line_currents_a) if whole else 0.0
            most_a = max(line_currents_a, default=0.0)
            return PhaseCurrents.uniform(least_a), PhaseCurrents.uniform(most_a)
        currents = dict.fromkeys(ALL_PHASES, 0.0)
        for phase, current_a in zip(lines, line_currents_a, strict=False):
            currents[phase] = current_a
        known = PhaseCurrents(l1=currents[Phase.L1], l2=currents[Phase.L2], l3=currents[Phase.L3])
        return known, known


_LINES: dict[PhaseMap, tuple[Phase, ...]] = {
    wiring: tuple(Phase(line.upper()) for line in wiring.split("_"))
    for wiring in PhaseMap
    if wiring is not PhaseMap.UNKNOWN
}

_LOADED: dict[PhaseMap, tuple[Phase, ...]] = {
    wiring: ALL_PHASES if len(wiring.phases) == len(ALL_PHASES) else wiring.phases
    for wiring in PhaseMap
}
