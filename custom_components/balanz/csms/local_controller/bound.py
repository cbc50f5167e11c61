"""The upper bound that another central system puts on what balanz allocates.

**Below the minimum is a pause.** No car can be told less than 6 A (IEC 61851-1), and of chargers
that are told 3 A some stop, some stay at 6 A and some refuse. The minimum would break the central
system's limit, so what is below it counts as 0 A, which keeps the transaction (OCPP 1.6, section
3.13). What was told stays known, so that the pause can be explained.

**The limit of a whole charger** is one for the sum of its connectors. They share it here so that
the sum keeps it whatever they draw and on whichever lines: first a minimum for each that has a
car, then evenly, up to each one's own bound; what these leave is for those without a car.

**A lower limit counts a little before it has to hold**, since charger and car take time to follow.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .composition import (
    MOST_STEPS_AHEAD,
    ComposedLimit,
    Composition,
    InstalledProfile,
    Lines,
    RunningTransaction,
    moment_of,
    seconds_of,
    steps,
)

AHEAD_S = 15.0
"""How long before its time a lower limit counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A connector for which the bound is wanted."""

    lines: Lines = field(default_factory=Lines)
    minimum_a: float = 6.0
    """The lowest current that its car can charge with."""
    has_car: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperBound:
    """What a connector may draw at the most. Currents are in A per line."""

    limit_a: float | None = None
    """0 or at least the minimum; None where nothing limits."""
    told_a: float | None = None
    """What the profiles say of this connector, be it below the minimum."""
    phases: int | None = None
    """How many lines it may use, where a profile tells that."""
    until: datetime | None = None
    """When this ends, or may end; None where nothing ends it."""

    def keeps(self, allocation_a: float) -> float:
        """Return what is left of an allocation, A per line."""
        return allocation_a if self.limit_a is None else min(allocation_a, self.limit_a)

    @property
    def pauses(self) -> bool:
        """Whether it stops charging."""
        return self.limit_a == 0


def upper_bounds(
    profiles: Iterable[InstalledProfile],
    transactions: Mapping[int, RunningTransaction],
    places: Mapping[int, Place],
    now: datetime,
) -> dict[int, UpperBound]:
    """Return the bound of each connector; those that come first are the first to be served."""
    profiles = tuple(profiles)
    found = {
        connector: _lowest(profiles, connector, now, transactions.get(connector), place.lines)
        for connector, place in places.items()
    }
    shares: dict[int, float | None] = {connector: it.limit_a for connector, it in found.items()}
    ends = {connector: it.until for connector, it in found.items()}
    whole = station_bound(profiles, places.values(), now)
    if whole.limit_a is not None:
        shares |= _shared(whole.limit_a, places, shares)
        # What one may have depends on what the others may.
        earliest = min((it for it in ends.values() if it is not None), default=None)
        ends = dict.fromkeys(ends, earliest)
    return {
        connector: UpperBound(
            limit_a=_possible(shares[connector], places[connector].minimum_a),
            told_a=it.limit_a,
            phases=it.phases,
            until=ends[connector],
        )
        for connector, it in found.items()
    }


def station_bound(
    profiles: Iterable[InstalledProfile], places: Iterable[Place], now: datetime
) -> UpperBound:
    """Return what all connectors of a charger may draw together."""
    places = tuple(places)
    taken = [place.lines for place in places if place.has_car]
    lines = Lines.of_all(taken or [place.lines for place in places])
    found = _lowest(tuple(profiles), 0, now, None, lines)
    return UpperBound(
        limit_a=found.limit_a, told_a=found.limit_a, phases=found.phases, until=found.until
    )


def _lowest(
    profiles: Sequence[InstalledProfile],
    connector: int,
    now: datetime,
    transaction: RunningTransaction | None,
    lines: Lines,
) -> ComposedLimit:
    """Return the lowest limit that has to hold soon, and until when it is that."""
    composition = Composition(profiles, connector, transaction=transaction, lines=lines)
    now_s = seconds_of(now)
    lowest: float | None = None
    fewest: int | None = None
    ends_s = looked_to_s = now_s
    for starts_s, (limit_a, phases), until_s in steps(composition.at, now_s, MOST_STEPS_AHEAD):
        looked_to_s = until_s
        if starts_s <= now_s + AHEAD_S:
            fewest = phases if fewest is None else min(fewest, phases or fewest)
            if starts_s == now_s or _or_endless(limit_a) <= _or_endless(lowest):
                lowest, ends_s = limit_a, until_s
        elif limit_a == lowest and starts_s == ends_s:
            ends_s = until_s
        elif _or_endless(limit_a) < _or_endless(lowest) or starts_s - AHEAD_S >= ends_s:
            looked_to_s = starts_s
            break
    return ComposedLimit(
        limit_a=lowest, phases=fewest, until=moment_of(min(ends_s, looked_to_s - AHEAD_S))
    )


def _possible(limit_a: float | None, minimum_a: float) -> float | None:
    return 0.0 if limit_a is not None and limit_a < minimum_a else limit_a


def _shared(
    whole_a: float, places: Mapping[int, Place], bounds: Mapping[int, float | None]
) -> dict[int, float]:
    """Return the shares of connectors, which are 0 or at least their minimum."""
    shares = dict.fromkeys(places, 0.0)
    left_a = whole_a
    for has_car in (True, False):
        admitted = []
        for connector, place in places.items():
            bound_a = _or_endless(bounds[connector])
            if place.has_car is has_car and place.minimum_a <= min(left_a, bound_a):
                admitted.append(connector)
                shares[connector] = place.minimum_a
                left_a -= place.minimum_a
        left_a = _fill(shares, admitted, bounds, left_a)
    return shares


def _fill(
    shares: dict[int, float],
    connectors: Sequence[int],
    bounds: Mapping[int, float | None],
    left_a: float,
) -> float:
    """Raise the lowest shares first, and return what is left."""
    pending = sorted(connectors, key=lambda it: _or_endless(bounds[it]))
    while pending:
        level_a = _level(shares, pending, left_a)
        lowest_a = _or_endless(bounds[pending[0]])
        if lowest_a >= level_a:
            for connector in pending:
                left_a -= max(level_a - shares[connector], 0.0)
                shares[connector] = max(level_a, shares[connector])
            return max(left_a, 0.0)
        bounded = pending.pop(0)
        left_a -= lowest_a - shares[bounded]
        shares[bounded] = lowest_a
    return left_a


def _level(shares: Mapping[int, float], connectors: Sequence[int], left_a: float) -> float:
    """Return up to which level so much current raises these shares."""
    total_a = left_a
    level_a = math.inf
    for count, share_a in enumerate(sorted(shares[it] for it in connectors)):
        if share_a >= level_a:
            break
        total_a += share_a
        level_a = total_a / (count + 1)
    return level_a


def _or_endless(limit_a: float | None) -> float:
    return math.inf if limit_a is None else limit_a
