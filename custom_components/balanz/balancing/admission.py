"""Minimums: who may charge at all where not everybody can.

A car takes its minimum or nothing, so who charges is decided before how much. The most deserving
goes first. Who is first in line and does not fit keeps its place on every phase that it needs,
lest a stream of smaller cars passes it by for ever.
"""

from collections.abc import Sequence

from .claims import Claim
from .phases import EPSILON_A
from .routes import Way


def admit(claims: Sequence[Claim], left: list[float]) -> tuple[list[Claim], dict[int, int]]:
    """Take the minimums of all that fit from what is left, the smallest order first.

    Returns those admitted, and for the others, by their position in `claims`, the number of the
    limit that keeps them out.
    """
    if _all_fit(claims, left):
        return list(claims), {}
    room = tuple(left)
    kept = [0.0] * len(left)
    admitted: list[Claim] = []
    refused: dict[int, int] = {}
    ranked = sorted(
        range(len(claims)), key=lambda i: (-claims[i].priority, claims[i].order, claims[i].key)
    )
    for position in ranked:
        claim = claims[position]
        obstacle = _obstacle(claim, left, kept)
        if obstacle is None:
            take(left, claim.way, claim.minimum_a)
            admitted.append(claim)
            continue
        refused[position] = obstacle
        first_in_line = not any(kept[number] for number, _ in claim.way)
        if first_in_line and first_full(room, claim.way, claim.minimum_a) is None:
            for number, units in claim.way:
                kept[number] = claim.minimum_a * units
    return admitted, refused


def first_full(left: Sequence[float], way: Way, current_a: float) -> int | None:
    """Return the first limit on a way that has no room for a current, A per line."""
    for number, units in way:
        if left[number] + EPSILON_A < current_a * units:
            return number
    return None


def take(left: list[float], way: Way, current_a: float) -> None:
    """Take a current from what is left on its way."""
    for number, units in way:
        left[number] -= current_a * units


def _obstacle(claim: Claim, left: Sequence[float], kept: Sequence[float]) -> int | None:
    for number, units in claim.way:
        if left[number] - kept[number] + EPSILON_A < claim.minimum_a * units:
            return number
    return None


def _all_fit(claims: Sequence[Claim], left: list[float]) -> bool:
    """Take all minimums if they fit together; else nothing."""
    sums: dict[int, float] = {}
    ways: dict[int, Way] = {}
    for claim in claims:
        # Routes hand out one object per way, so that its identity tells it.
        name = id(claim.way)
        sums[name] = sums.get(name, 0.0) + claim.minimum_a
        ways[name] = claim.way
    after = left.copy()
    for name, way in ways.items():
        take(after, way, sums[name])
    if any(after[number] < -EPSILON_A for way in ways.values() for number, _ in way):
        return False
    left[:] = after
    return True
