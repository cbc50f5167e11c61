"""Sharing by need: who cannot wait goes first, and who can, waits.

Every car gets the current that meets its need just in time before any of them gets more than that,
and before those that have time enough get their minimum. What is left raises all that charge.

Who leaves soonest goes first. Where more is needed of a limit than it carries, not every need can
be met, and an ampere of it goes rather to a car that makes more of it: to one on three phases
rather than to one that takes the scarce phase alone and leaves the two others to nobody.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from .admission import keep_place, keeping_out, take
from .claims import Claim
from .filling import fill, rounded_down
from .phases import EPSILON_A

ALIKE_S = 60.0
"""Cars whose time differs by less share what they need, rather than one after the other."""
LEAST_ROOM_A = 1.0
"""A limit that has less is taken for one that has this: what is needed of it is far too much."""


def share_by_need(claims: Sequence[Claim], left: list[float]) -> list[tuple[float, int | None]]:
    """Take what the needs of claims ask for from what is left, then what they can use beyond.

    Returns, in the order of the claims, the current of each (A per line) and the number of the
    limit that keeps it from more; None where its maximum does. Who had to give way needs no more
    than its minimum to come back: there is little time, and it goes again anyway once another
    one's need is more urgent.
    """
    sharing = _Sharing(claims, left)
    for tier in sharing.tiers:
        # Whose turn it is keeps it, so that nobody is switched on and off as needs change.
        in_turn = [position for position in tier if claims[position].before_needs]
        for position in sorted(in_turn, key=lambda it: (claims[it].order, claims[it].key)):
            sharing.admit(position)
        for alike in sharing.by_urgency(tier):
            for position in alike:
                sharing.admit(position)
            sharing.meet(alike)
    for tier in sharing.tiers:
        sharing.raise_all(tier)
    return sharing.given


def urgencies(claims: Iterable[Claim], room: Sequence[float]) -> list[float]:
    """Return how long each claim can wait, s: the time left, longer where it wastes what is scarce.

    A limit is scarce where more is needed of it than the room it has.
    """
    claims = list(claims)
    needed_a = [0.0] * len(room)
    for claim in claims:
        for number, units in claim.way:
            needed_a[number] += _needed_a(claim) * units
    scarcity = [
        current_a / max(room_a, LEAST_ROOM_A)
        for current_a, room_a in zip(needed_a, room, strict=True)
    ]
    return [
        claim.time_left_s
        * max(max(scarcity[number] for number, _ in claim.way) / claim.lines, 1.0)
        / claim.weight
        for claim in claims
    ]


class _Sharing:
    """What each claim was given so far, and what is left."""

    def __init__(self, claims: Sequence[Claim], left: list[float]) -> None:
        self.given: list[tuple[float, int | None]] = [(0.0, None)] * len(claims)
        self._claims = claims
        self._left = left
        self._room = tuple(left)
        self._kept = [0.0] * len(left)
        self._urgencies = urgencies(claims, self._room)
        tiers: defaultdict[int, list[int]] = defaultdict(list)
        for position, claim in enumerate(claims):
            tiers[claim.priority].append(position)
        self.tiers = [tiers[priority] for priority in sorted(tiers, reverse=True)]
        """The positions of the claims of each priority, the highest first."""

    def by_urgency(self, positions: Iterable[int]) -> list[list[int]]:
        """Return them with the most urgent first, and those together that are as urgent."""
        alike: defaultdict[float, list[int]] = defaultdict(list)
        for position in positions:
            urgency = self._urgencies[position]
            alike[urgency if urgency == math.inf else urgency // ALIKE_S].append(position)
        for together in alike.values():
            together.sort(key=lambda it: (self._claims[it].order, self._claims[it].key))
        return [alike[urgency] for urgency in sorted(alike)]

    def admit(self, position: int) -> None:
        """Let a claim have its minimum if that fits and it has not got it yet."""
        claim = self._claims[position]
        if self.given[position][0] > 0.0:
            return
        number = keeping_out(claim, self._left, self._kept, self._room, ())
        if number is None:
            take(self._left, claim.way, claim.minimum_a)
            self.given[position] = (claim.minimum_a, None)
        else:
            self.given[position] = (0.0, number)
            if claim.before_needs:
                keep_place(claim, self._kept, self._room)

    def meet(self, positions: Sequence[int]) -> None:
        """Raise those that charge to what they need."""
        if len(positions) > 1:
            self._fill(positions, _just_in_time_a)
            return
        (position,) = positions
        given_a, binding = self.given[position]
        if given_a > 0.0:
            claim, left = self._claims[position], self._left
            room_a = min([left[number] / units for number, units in claim.way])
            more_a = min(_just_in_time_a(claim) - given_a, rounded_down(room_a, claim.step_a))
            take(left, claim.way, more_a)
            self.given[position] = (round(given_a + more_a, 3), binding)

    def raise_all(self, positions: Iterable[int]) -> None:
        """Raise those that charge to what they can use."""
        self._fill(positions, lambda claim: claim.maximum_a)

    def _fill(self, positions: Iterable[int], most_a: Callable[[Claim], float]) -> None:
        """Raise those that charge to the most that each is to have, in proportion to needs."""
        charging = [position for position in positions if self.given[position][0] > 0.0]
        raised = []
        for position in charging:
            claim, (given_a, _) = self._claims[position], self.given[position]
            raised.append(
                claim._replace(
                    minimum_a=given_a,
                    maximum_a=max(most_a(claim), given_a),
                    weight=claim.weight * max(_needed_a(claim), claim.minimum_a),
                )
            )
        for position, got in zip(charging, fill(raised, self._left), strict=True):
            self.given[position] = got


def _needed_a(claim: Claim) -> float:
    """Return what a claim needs: its minimum where nobody has told."""
    needed_a = claim.minimum_a if claim.needed_a is None else claim.needed_a
    return min(needed_a, claim.maximum_a)


def _just_in_time_a(claim: Claim) -> float:
    """Return the least limit that meets what it needs, or the most that it can use."""
    steps = math.ceil(_needed_a(claim) / claim.step_a - EPSILON_A)
    return min(max(round(steps * claim.step_a, 3), claim.minimum_a), claim.maximum_a)
