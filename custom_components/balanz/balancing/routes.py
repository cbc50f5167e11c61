"""Which limits a current meets on its way to the grid.

Limits are numbered, so that what is left of them is a list of plain numbers: sharing among
thousands of connectors looks them up millions of times.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from .group import Group
from .phases import ALL_PHASES, Phase, PhaseCurrents
from .surplus import SurplusMode


class Resource(NamedTuple):
    """One limit of a group."""

    group_id: str
    phase: Phase | None
    """None for the group's power, which counts the amperes of all phases together."""
    below_priority: int | None = None
    """Whom it binds: chargers of a lower priority; None for everybody, and all other loads."""
    surplus: bool = False
    """Whether it is what the group would export, all phases together: for comfort alone."""


type Way = tuple[tuple[int, int], ...]
"""The numbers of all limits that one ampere per line meets, innermost first, each with how many
amperes it costs there: one on a phase, one per phase in use where the power is limited."""


class Routes:
    """All limits of a tree of groups, and the ways through them."""

    def __init__(self, groups: Mapping[str, Group]) -> None:
        """Number the limits of groups that form a tree."""
        self._groups = groups
        self.resources: tuple[Resource, ...] = tuple(
            resource for group in groups.values() for resource in _limits_of(group)
        )
        self.numbers: dict[Resource, int] = {
            resource: number for number, resource in enumerate(self.resources)
        }
        self._highest_cap = max(
            (cap.below_priority for group in groups.values() for cap in group.priority_caps),
            default=0,
        )
        self._ways: dict[tuple[str, frozenset[Phase], int], Way] = {}

    @cached_property
    def metered(self) -> frozenset[int]:
        """The numbers of the limits of metered groups: those beside which other loads vary."""
        return frozenset(
            number
            for number, resource in enumerate(self.resources)
            if self._groups[resource.group_id].metered
        )

    @cached_property
    def paths(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of each group and of all groups above it, the root last."""
        return {group_id: self._path(group_id) for group_id in self._groups}

    @cached_property
    def numbers_of(self) -> Mapping[str, tuple[tuple[Phase, int], ...]]:
        """The limits of each group that bind a single phase."""
        return {
            group.id: tuple((phase, self.numbers[Resource(group.id, phase)]) for phase in phases)
            for group in self._groups.values()
            if (phases := group.phases)
        }

    def way(self, group_id: str, phases: tuple[Phase, ...], priority: int = 1) -> Way:
        """Return the way of a current that loads these phases in a group.

        On phases that a group does not have nothing can flow: the wiring told is wrong, and the
        current may load any of those that there are.
        """
        # Priorities above all caps share one way, and so do all rotations of the same phases.
        name = (group_id, frozenset(phases), min(priority, self._highest_cap))
        known = self._ways.get(name)
        if known is not None:
            return known
        way: list[tuple[int, int]] = []
        for outer_id in self.paths[group_id]:
            group = self._groups[outer_id]
            loaded = tuple(phase for phase in group.phases if phase in phases) or group.phases
            way.extend((self.numbers[Resource(outer_id, phase)], 1) for phase in loaded)
            way.extend(
                (self.numbers[Resource(outer_id, phase, cap.below_priority)], 1)
                for cap in group.priority_caps
                if priority < cap.below_priority
                for phase in loaded
            )
            way.extend(
                (self.numbers[resource], len(loaded)) for resource in _limits_of_all_phases(group)
            )
        # One object for each, whichever thread has asked first.
        return self._ways.setdefault(name, tuple(way))

    def load(self, loads: Iterable[tuple[Iterable[str], PhaseCurrents]]) -> list[float]:
        """Return what currents add up to at each limit; each is given with the groups it loads."""
        total = [0.0] * len(self.resources)
        for group_ids, currents in loads:
            for group_id in group_ids:
                for phase, number in self.numbers_of[group_id]:
                    total[number] += currents[phase]
                power = self.numbers.get(Resource(group_id, None))
                if power is not None:
                    total[power] += sum(currents)
        return total

    def _path(self, group_id: str) -> tuple[str, ...]:
        path = []
        current: str | None = group_id
        while current is not None:
            path.append(current)
            current = self._groups[current].parent_id
        return tuple(path)


def _limits_of(group: Group) -> Iterable[Resource]:
    for phase in ALL_PHASES:
        if phase in group.phases:
            yield Resource(group.id, phase)
            for cap in group.priority_caps:
                yield Resource(group.id, phase, cap.below_priority)
    yield from _limits_of_all_phases(group)


def _limits_of_all_phases(group: Group) -> Iterable[Resource]:
    if group.power_now_w is not None:
        yield Resource(group.id, None)
    if group.metered and group.surplus is not SurplusMode.IGNORE:
        yield Resource(group.id, None, surplus=True)
