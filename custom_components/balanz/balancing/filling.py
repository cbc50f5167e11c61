"""Amperes above the minimum: weighted max-min fairness on the limits of a tree.

A level rises from zero, and each connector with it, in proportion to its weight, from its minimum
to its maximum. Where a limit is full, all that meet it stop. For fixed ways this progressive
filling is the lexicographic optimum (Radunovic and Le Boudec, "A Unified Framework for Max-Min
and Min-Max Fairness"). Limits are sent in steps, so shares are rounded down, and what that leaves
goes out step by step to whoever has the least.
"""

import heapq
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
    lanes = _lanes(claims)
    currents_a = [claim.maximum_a for claim in claims]
    for lane, level in zip(lanes, _levels(claims, lanes, left), strict=True):
        given_a = 0.0
        for position in lane.positions:
            claim = claims[position]
            current_a = level * claim.weight
            if current_a < claim.maximum_a:
                current_a = max(rounded_down(current_a, claim.step_a), claim.minimum_a)
                currents_a[position] = current_a
            given_a += currents_a[position] - claim.minimum_a
        take(left, lane.way, given_a)
    bindings = _top_up(claims, lanes, currents_a, left)
    return list(zip(currents_a, bindings, strict=True))


def stopping_levels(claims: Sequence[Claim], left: Sequence[float]) -> list[float]:
    """Return the level at which each claim's way meets a full limit; infinite where never.

    Without steps, each would have its level times its weight, between its minimum and its maximum.
    """
    lanes = _lanes(claims)
    levels = [math.inf] * len(claims)
    for lane, level in zip(lanes, _levels(claims, lanes, left), strict=True):
        for position in lane.positions:
            levels[position] = level
    return levels


def rounded_down(current_a: float, step_a: float) -> float:
    """Return the highest multiple of a step that is not above a current, A."""
    return round(math.floor(current_a / step_a + EPSILON_A) * step_a, 3)


class _Lane(NamedTuple):
    """The positions of all claims on one way: they meet the same limits at the same level."""

    way: Way
    positions: list[int]


def _lanes(claims: Sequence[Claim]) -> list[_Lane]:
    # Routes hand out one object per way, so that its identity tells it.
    lanes: dict[int, _Lane] = {}
    for position, claim in enumerate(claims):
        lane = lanes.get(id(claim.way))
        if lane is None:
            lane = lanes[id(claim.way)] = _Lane(claim.way, [])
        lane.positions.append(position)
    return list(lanes.values())


def _levels(claims: Sequence[Claim], lanes: Sequence[_Lane], left: Sequence[float]) -> list[float]:
    """Return the level at which each lane meets a full limit; infinite where it never does.

    A full limit stops lanes, not connectors: their number is what each step costs.
    """
    tide = _Tide([lane.way for lane in lanes], left)
    for level, number, weight in _turning_points(claims, lanes):
        if level > tide.first_full:
            tide.stop_until(level)
        if tide.stopped[number] == math.inf:
            tide.change(number, weight, level)
    tide.stop_until(math.inf)
    return tide.stopped


def _turning_points(
    claims: Sequence[Claim], lanes: Iterable[_Lane]
) -> list[tuple[float, int, float]]:
    """Return where connectors begin to rise with the level, and where they reach their maximum.

    Each is a level, the number of a lane, and by how much the weight that rises on it changes.
    """
    points: list[tuple[float, int, float]] = []
    for number, lane in enumerate(lanes):
        changes: dict[float, float] = {}
        for position in lane.positions:
            claim = claims[position]
            weight, minimum_a, maximum_a = claim.weight, claim.minimum_a, claim.maximum_a
            if maximum_a > minimum_a:
                starts, ends = minimum_a / weight, maximum_a / weight
                changes[starts] = changes.get(starts, 0.0) + weight
                changes[ends] = changes.get(ends, 0.0) - weight
        points.extend((level, number, change) for level, change in changes.items())
    points.sort()
    return points


class _Tide:
    """What is left of each limit while the level rises: `offset - rising * level`."""

    def __init__(self, ways: Sequence[Way], left: Sequence[float]) -> None:
        self.first_full = math.inf
        """No limit is full below this level."""
        self.stopped = [math.inf] * len(ways)
        """The level at which each way met a full limit."""
        self._ways = ways
        self._offset = list(left)
        self._rising = [0.0] * len(left)
        """The weight that rises at each limit: what one more of level costs there."""
        self._rising_on = [0.0] * len(ways)
        self._met_by: list[list[int]] = [[] for _ in left]
        for number, way in enumerate(ways):
            for limit, _ in way:
                self._met_by[limit].append(number)
        self._grown: set[int] = set()
        self._full_at: list[tuple[float, int]] = []

    def change(self, number: int, weight: float, level: float) -> None:
        """Let more or less weight rise on a way from a level on."""
        self._rising_on[number] += weight
        offset, rising = self._offset, self._rising
        for limit, units in self._ways[number]:
            more = weight * units
            offset[limit] += more * level
            rising[limit] += more
        if weight > 0.0:
            # With more weight, a limit may be full from here on.
            self._grown.update([limit for limit, _ in self._ways[number]])
            self.first_full = level

    def stop_until(self, level: float) -> None:
        """Stop what meets a limit that is full before a level."""
        while (full := self._next_full(level)) is not None:
            full_at, limit = full
            for number in self._met_by[limit]:
                if self._rising_on[number] > EPSILON_A:
                    self.change(number, -self._rising_on[number], full_at)
                    self.stopped[number] = full_at

    def _next_full(self, before: float) -> tuple[float, int] | None:
        """Return the next level at which a limit is full, and which; None if not before another."""
        offset, rising, full_at = self._offset, self._rising, self._full_at
        for limit in self._grown:
            heapq.heappush(full_at, (offset[limit] / rising[limit], limit))
        self._grown.clear()
        while full_at:
            level, limit = full_at[0]
            if level > before:
                self.first_full = level
                return None
            if rising[limit] <= EPSILON_A:
                heapq.heappop(full_at)
                continue
            # Where weight has left since, the limit lasts longer than it seemed to.
            truly = offset[limit] / rising[limit]
            if truly > level + EPSILON_A:
                heapq.heapreplace(full_at, (truly, limit))
                continue
            heapq.heappop(full_at)
            return level, limit
        self.first_full = math.inf
        return None


def top_up(claims: Sequence[Claim], currents_a: list[float], left: list[float]) -> list[int | None]:
    """Hand out what is left a step at a time, and return what then binds each connector.

    Adds to `currents_a` and takes from `left`; a binding is None where it is the maximum.
    """
    return _top_up(claims, _lanes(claims), currents_a, left)


def _top_up(
    claims: Sequence[Claim], lanes: Iterable[_Lane], currents_a: list[float], left: list[float]
) -> list[int | None]:
    bindings: list[int | None] = [None] * len(currents_a)
    queue: list[tuple[float, int, float, ConnectorKey, int]] = []
    for lane in lanes:
        eager = [
            position
            for position in lane.positions
            if currents_a[position] + EPSILON_A < claims[position].maximum_a
        ]
        if not eager:
            continue
        obstacle = first_full(left, lane.way, min([claims[it].step_a for it in eager]))
        if obstacle is None:
            queue += [_turn(claims[it], currents_a[it], it) for it in eager]
            continue
        for position in eager:
            bindings[position] = obstacle
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
