"""Amperes above the minimum: weighted max-min fairness on the limits of a tree.

A level rises from zero, and each connector with it, in proportion to its weight, from its minimum
to its maximum. Where a limit is full, all that meet it stop. For fixed ways this progressive
filling is the lexicographic optimum (Radunovic and Le Boudec, "A Unified Framework for Max-Min
and Min-Max Fairness"). Limits are sent in steps, so shares are rounded down, and what that leaves
goes out step by step to whoever has the least.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .admission import first_full, take
from .claims import Claim
from .model import ConnectorKey
from .phases import EPSILON_A
from .routes import Way


def fill(claims: Sequence[Claim], left: list[float]) -> list[tuple[float, int | None]]:
    """Share what is left among connectors whose minimums are taken from it already.

    Returns, in the order of the claims, the current of each (A per line) and the number of the
    limit that keeps it from more; None where its maximum does. What is given is taken from `left`.
    """
    ways = {id(claim.way): claim.way for claim in claims}
    levels = _stopping_levels(claims, ways, left)
    currents_a = []
    given: defaultdict[int, float] = defaultdict(float)
    for claim in claims:
        current_a = claim.maximum_a
        level = levels.get(id(claim.way))
        if level is not None and level * claim.weight < current_a:
            current_a = rounded_down(level * claim.weight, claim.step_a)
            current_a = max(current_a, claim.minimum_a)
        currents_a.append(current_a)
        given[id(claim.way)] += current_a - claim.minimum_a
    for name, way in ways.items():
        take(left, way, given[name])
    bindings = top_up(claims, currents_a, left)
    return list(zip(currents_a, bindings, strict=True))


def rounded_down(current_a: float, step_a: float) -> float:
    """Return the highest multiple of a step that is not above a current, A."""
    return round(math.floor(current_a / step_a + EPSILON_A) * step_a, 3)


def _stopping_levels(
    claims: Sequence[Claim], ways: Mapping[int, Way], left: Sequence[float]
) -> dict[int, float]:
    """Return the level at which each way meets a full limit; none for ways that never do.

    All connectors on one way stop at the same level, so that a full limit stops ways, not
    connectors: their number, not that of the connectors, is what each step costs.
    """
    tide = _Tide(ways, left)
    stopped: dict[int, float] = {}
    for level, name, weight in _turning_points(claims):
        if name in stopped:
            continue
        if level > tide.first_full:
            _stop_until(level, tide, stopped)
            if name in stopped:
                continue
        tide.change(name, weight, level)
    _stop_until(math.inf, tide, stopped)
    return stopped


def _stop_until(level: float, tide: _Tide, stopped: dict[int, float]) -> None:
    """Stop what meets a limit that is full before a level."""
    while (full := tide.next_full(level)) is not None:
        for name in tide.stop(*full):
            stopped[name] = full[0]


def _turning_points(claims: Iterable[Claim]) -> list[tuple[float, int, float]]:
    """Return where connectors begin to rise with the level, and where they reach their maximum.

    Each is a level, a way, and by how much the weight that rises on the way changes.
    """
    changes: dict[tuple[float, int], float] = {}
    for claim in claims:
        if claim.maximum_a <= claim.minimum_a:
            continue
        name, weight = id(claim.way), claim.weight
        starts = (claim.minimum_a / weight, name)
        ends = (claim.maximum_a / weight, name)
        changes[starts] = changes.get(starts, 0.0) + weight
        changes[ends] = changes.get(ends, 0.0) - weight
    return sorted((level, name, weight) for (level, name), weight in changes.items())


class _Tide:
    """What is left of each limit while the level rises: `offset - rising * level`."""

    def __init__(self, ways: Mapping[int, Way], left: Sequence[float]) -> None:
        self.first_full = math.inf
        """No limit is full below this level."""
        self._ways = ways
        self._offset = list(left)
        self._rising = [0.0] * len(left)
        """The weight that rises at each limit: what one more of level costs there."""
        self._rising_on: dict[int, float] = {}
        self._met_by: dict[int, list[int]] = {}
        for name, way in ways.items():
            for number, _ in way:
                self._met_by.setdefault(number, []).append(name)
        self._grown: set[int] = set()
        self._full_at: list[tuple[float, int]] = []

    def change(self, name: int, weight: float, level: float) -> None:
        """Let more or less weight rise on a way from a level on."""
        self._rising_on[name] = self._rising_on.get(name, 0.0) + weight
        offset, rising = self._offset, self._rising
        for number, units in self._ways[name]:
            offset[number] += weight * units * level
            rising[number] += weight * units
            if weight > 0.0:
                self._grown.add(number)
        if weight > 0.0:
            # With more weight, a limit may be full from here on.
            self.first_full = level

    def next_full(self, before: float) -> tuple[float, int] | None:
        """Return the next level at which a limit is full, and which; None if not before another."""
        offset, rising, full_at = self._offset, self._rising, self._full_at
        for number in self._grown:
            heapq.heappush(full_at, (offset[number] / rising[number], number))
        self._grown.clear()
        while full_at:
            level, number = full_at[0]
            if level > before:
                self.first_full = level
                return None
            if rising[number] <= EPSILON_A:
                heapq.heappop(full_at)
                continue
            # Where weight has left since, the limit lasts longer than it seemed to.
            truly = offset[number] / rising[number]
            if truly > level + EPSILON_A:
                heapq.heapreplace(full_at, (truly, number))
                continue
            heapq.heappop(full_at)
            return level, number
        self.first_full = math.inf
        return None

    def stop(self, level: float, number: int) -> list[int]:
        """Stop all that rise and meet a full limit, and return their ways."""
        rising_on = self._rising_on
        stopping = [name for name in self._met_by[number] if rising_on.get(name, 0.0) > EPSILON_A]
        for name in stopping:
            self.change(name, -rising_on[name], level)
        return stopping


def top_up(claims: Sequence[Claim], currents_a: list[float], left: list[float]) -> list[int | None]:
    """Hand out what is left a step at a time, and return what then binds each connector.

    Adds to `currents_a` and takes from `left`; a binding is None where it is the maximum.
    """
    bindings: list[int | None] = [None] * len(claims)
    smallest: dict[int, float] = {}
    ways: dict[int, Way] = {}
    for claim in claims:
        name = id(claim.way)
        ways[name] = claim.way
        smallest[name] = min(smallest.get(name, math.inf), claim.step_a)
    full = {name: first_full(left, way, smallest[name]) for name, way in ways.items()}
    queue: list[tuple[float, int, float, ConnectorKey, int]] = []
    for position, claim in enumerate(claims):
        if currents_a[position] + EPSILON_A >= claim.maximum_a:
            continue
        obstacle = full[id(claim.way)]
        if obstacle is not None:
            bindings[position] = obstacle
            continue
        queue.append(_turn(claim, currents_a[position], position))
    heapq.heapify(queue)
    while queue:
        position = heapq.heappop(queue)[-1]
        claim = claims[position]
        more_a = min(claim.step_a, claim.maximum_a - currents_a[position])
        obstacle = first_full(left, claim.way, more_a)
        if obstacle is not None:
            bindings[position] = obstacle
            continue
        take(left, claim.way, more_a)
        currents_a[position] = round(currents_a[position] + more_a, 3)
        if currents_a[position] + EPSILON_A < claim.maximum_a:
            heapq.heappush(queue, _turn(claim, currents_a[position], position))
    return bindings


def _turn(
    claim: Claim, current_a: float, position: int
) -> tuple[float, int, float, ConnectorKey, int]:
    """Return when a connector's next step is due: the least first, then the cheapest."""
    level = round((current_a + claim.step_a) / claim.weight, 6)
    return (level, len(claim.way), claim.arrival, claim.key, position)
