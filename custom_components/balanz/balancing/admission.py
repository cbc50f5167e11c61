"""Minimums: who may charge at all where not everybody can.

A car takes its minimum or nothing, so who charges is decided before how much. The most deserving
goes first. A car that has had nothing, is first in line and does not fit keeps its place on every
phase that it needs, lest a stream of smaller cars passes it by.

Who had to give way comes back only where there is more than its minimum: else it would have to go
again as soon as the house takes a little more, and those who charge can use it meanwhile.
"""

from collections.abc import Container, Sequence

from .claims import Claim, InLine
from .phases import EPSILON_A
from .routes import Way

SPARE_A = 2.0
"""How much more it needs at limits of metered groups where others charge: more than noise."""


def admit(
    claims: Sequence[Claim],
    left: list[float],
    wobbling: Container[int] = (),
    in_line: InLine = list,
) -> tuple[list[Claim], dict[int, int]]:
    """Take the minimums of all that fit from what is left, the smallest order first.

    `wobbling` are the numbers of the limits beside which a house takes what it wants; `in_line`
    is asked for the order where that counts.
    Returns those admitted, and for the others, by their position in `claims`, the number of the
    limit that keeps them out.
    """
    if _all_fit(claims, left, wobbling):
        return list(claims), {}
    claims = in_line(claims)
    room = tuple(left)
    kept = [0.0] * len(left)
    admitted: list[Claim] = []
    refused: dict[int, int] = {}
    ranked = sorted(
        range(len(claims)), key=lambda i: (-claims[i].priority, claims[i].order, claims[i].key)
    )
    for position in ranked:
        claim = claims[position]
        obstacle = keeping_out(claim, left, kept, room, wobbling)
        if obstacle is None:
            take(left, claim.way, claim.minimum_a)
            admitted.append(claim)
            continue
        refused[position] = obstacle
        keep_place(claim, kept, room)
    return admitted, refused


# The comparisons say what must hold, so that a room that is no number admits nobody.


def first_full(left: Sequence[float], way: Way, current_a: float) -> int | None:
    """Return the first limit on a way that has no room for a current, A per line."""
    for number, units in way:
        if not left[number] + EPSILON_A >= current_a * units:
            return number
    return None


def take(left: list[float], way: Way, current_a: float) -> None:
    """Take a current from what is left on its way."""
    for number, units in way:
        left[number] -= current_a * units


def keeping_out(
    claim: Claim,
    left: Sequence[float],
    kept: Sequence[float],
    room: Sequence[float],
    wobbling: Container[int],
) -> int | None:
    """Return the first limit that has no room for a claim's minimum; None if it may charge.

    `kept` is what is kept for those before it, and `room` what there was before anybody.
    """
    for number, units in claim.way:
        needed_a = claim.minimum_a * units
        if claim.needs_spare and number in wobbling and left[number] < room[number]:
            needed_a += SPARE_A
        if not left[number] - kept[number] + EPSILON_A >= needed_a:
            return number
    return None


def keep_place(claim: Claim, kept: list[float], room: Sequence[float]) -> None:
    """Keep what a claim needs for it on its way, if it is the first there that may reserve."""
    first_in_line = not any(kept[number] for number, _ in claim.way)
    if claim.reserves and first_in_line and first_full(room, claim.way, claim.minimum_a) is None:
        for number, units in claim.way:
            kept[number] = claim.minimum_a * units


def _all_fit(claims: Sequence[Claim], left: list[float], wobbling: Container[int]) -> bool:
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
    spare_a = SPARE_A if any(claim.needs_spare for claim in claims) else 0.0
    for way in ways.values():
        for number, _ in way:
            if not after[number] >= (spare_a if number in wobbling else 0.0) - EPSILON_A:
                return False
    left[:] = after
    return True
