"""What flows through each group on each phase."""

from collections.abc import Iterable

from .days import SiteDay, Stay
from .phases import Currents

MAIN_NODES = (0, 1, 2)
"""The numbers of the main group's phases; those of the sub-groups follow, three each."""


class Nodes:
    """The places where current is limited: each phase of each group has a number."""

    def __init__(self, day: SiteDay) -> None:
        """Number them."""
        self._layout = day.layout
        self.group_a = day.layout.group_a
        self.count = 3 + 3 * day.layout.group_count

    def of(self, stay: Stay) -> tuple[int, ...]:
        """Return those that a car's current flows through."""
        group = self._layout.group_of(stay.charger)
        inner = () if group is None else tuple(3 + 3 * group + phase for phase in stay.phases)
        return (*stay.phases, *inner)

    def limits(self, main_a: float, house: Currents) -> list[float]:
        """Return what is left for cars at each."""
        return [main_a - load_a for load_a in house] + [self.group_a] * (self.count - 3)


def loads(count: int, draws: Iterable[tuple[tuple[int, ...], float]]) -> list[float]:
    """Return what currents through nodes add up to at each."""
    sums = [0.0] * count
    for nodes, current_a in draws:
        if current_a:
            for node in nodes:
                sums[node] += current_a
    return sums
