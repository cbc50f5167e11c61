"""Sharing: who gets how many amperes.

Strict priorities; inside a priority, minimums first and then max-min: the connector with the
least gets the next step, as long as it fits every group and phase on its way to the grid. For
fixed routes this progressive filling is the max-min fair share (Radunovic and Le Boudec, "A
Unified Framework for Max-Min and Min-Max Fairness").
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .model import ConnectorKey, Site
from .phases import Phase, PhaseCurrents, PhaseMap

EPSILON_A = 1e-6
"""Rounding errors of sums stay below this; no fuse notices it."""

type Resource = tuple[str, Phase]
"""A group's limit on one phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one connector could use. Currents in A per line."""

    key: ConnectorKey
    group_id: str
    phase_map: PhaseMap
    minimum_a: float
    maximum_a: float
    """The most that it can use, at least the minimum."""
    step_a: float
    priority: int
    order: tuple[float, ...]
    """Who comes first where not all can have their minimum: the smaller goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a connector gets: 0 or at least its minimum, and what kept it from more."""

    limit_a: float
    binding: Resource | None
    """None where its own maximum is what binds."""


def allocate(
    site: Site, claims: Sequence[Claim], room: Mapping[Resource, float]
) -> dict[ConnectorKey, Share]:
    """Share the room of every group and phase among the claims.

    `room` has an entry for each group and each of its phases, A; a negative one admits nobody.
    """
    left = dict(room)
    shares: dict[ConnectorKey, Share] = {}
    for priority in sorted({claim.priority for claim in claims}, reverse=True):
        tier = [claim for claim in claims if claim.priority == priority]
        _share_tier(site, tier, left, shares)
    return shares


def _share_tier(
    site: Site,
    tier: Iterable[Claim],
    left: dict[Resource, float],
    shares: dict[ConnectorKey, Share],
) -> None:
    queue: list[tuple[float, tuple[float, ...], ConnectorKey]] = []
    admitted: dict[ConnectorKey, tuple[Claim, tuple[Resource, ...]]] = {}
    for claim in sorted(tier, key=lambda claim: (claim.order, claim.key)):
        way = resources(site, claim.group_id, claim.phase_map)
        binding = _first_full(left, way, claim.minimum_a)
        if binding is not None:
            shares[claim.key] = Share(limit_a=0.0, binding=binding)
            continue
        _take(left, way, claim.minimum_a)
        admitted[claim.key] = (claim, way)
        heapq.heappush(queue, (claim.minimum_a, claim.order, claim.key))
    while queue:
        limit_a, order, key = heapq.heappop(queue)
        claim, way = admitted[key]
        more_a = min(claim.step_a, claim.maximum_a - limit_a)
        if more_a <= EPSILON_A:
            shares[key] = Share(limit_a=limit_a, binding=None)
            continue
        binding = _first_full(left, way, more_a)
        if binding is not None:
            shares[key] = Share(limit_a=limit_a, binding=binding)
            continue
        _take(left, way, more_a)
        # Rounded, lest a sum of tenths ends just below one and is sent as the tenth below.
        heapq.heappush(queue, (round(limit_a + more_a, 3), order, key))


def resources(site: Site, group_id: str, phase_map: PhaseMap) -> tuple[Resource, ...]:
    """Return every group and phase that a current in this group flows through.

    On phases that a group does not have nothing can flow: the map is wrong, and may cost any.
    """
    return tuple(
        (group.id, phase)
        for group in site.path(group_id)
        for phase in _common(phase_map.phases, group.phases) or group.phases
    )


def fits(left: Mapping[Resource, float], way: Iterable[Resource], current_a: float) -> bool:
    """Return whether a current fits what is left everywhere on its way."""
    return _first_full(left, way, current_a) is None


def load(site: Site, loads: Iterable[tuple[str, PhaseCurrents]]) -> dict[Resource, float]:
    """Return what currents in given groups add up to, for every group and phase."""
    total = {(group.id, phase): 0.0 for group in site.groups.values() for phase in group.phases}
    for group_id, currents in loads:
        for group in site.path(group_id):
            for phase in group.phases:
                total[group.id, phase] += currents[phase]
    return total


def _common(some: tuple[Phase, ...], others: tuple[Phase, ...]) -> tuple[Phase, ...]:
    return tuple(phase for phase in some if phase in others)


def _first_full(
    left: Mapping[Resource, float], way: Iterable[Resource], current_a: float
) -> Resource | None:
    for resource in way:
        if left[resource] + EPSILON_A < current_a:
            return resource
    return None


def _take(left: dict[Resource, float], way: Iterable[Resource], current_a: float) -> None:
    for resource in way:
        left[resource] -= current_a
