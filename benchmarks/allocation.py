"""How long sharing takes, how that grows with the site, and how near it is to the best possible.

Three levels of groups, ten chargers to each of the lowest; one- and three-phase cars that can use
different currents, all charging, on limits per phase. Reasons are included, reading of meters and
sending of limits are not. Times are medians of several runs in one process.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import log
from random import Random
from statistics import linear_regression, median

from custom_components.balanz.balancing.admission import take
from custom_components.balanz.balancing.allocation import allocate
from custom_components.balanz.balancing.claims import Claim
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.model import (
    MINIMUM_CURRENT_A,
    ROOT_GROUP_ID,
    Connector,
    ConnectorKey,
    Site,
)
from custom_components.balanz.balancing.phases import PhaseMap
from tests.balancing.instances import Kind, random_instance
from tests.balancing.optimum import max_min_steps

SIZES = (10, 100, 1_000, 10_000)
CHARGERS_PER_GROUP = 10
GROUPS_PER_PANEL = 10
RATING_A = 32.0
MAXIMUMS_A = (8.0, 10.0, 13.0, 16.0, 20.0, 25.0, 32.0)
WIRINGS = tuple(wiring for wiring in PhaseMap if wiring is not PhaseMap.UNKNOWN)
FITTING = 0.6
"""How much of everybody's minimum there is where not all fit."""
RUN_FOR_S = 0.3
"""How long each size runs, but at least as often as this:"""
FEWEST_RUNS = 5
CHECKED = Kind(all_fit=True, connectors=8)
"""Small enough for a solver to find the best sharing in whole amperes."""
EPSILON_A = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long sharing takes on one site."""

    connectors: int
    ms: float
    full: float
    """The part of all limits that have less left than one step costs."""
    admitted: float
    """The part of all cars that charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How many random instances come out as the best possible."""

    instances: int
    identical: int
    """The sorted currents are the same."""
    within_1_a: int
    """No place of the sorted currents is more than one ampere apart."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print what came out."""
    options = _parser().parse_args(arguments)
    scarce = [timing(size, all_fit=True) for size in options.sizes]
    crowded = [timing(size, all_fit=False) for size in options.sizes]
    checked = check(options.check) if options.check else None
    if options.json:
        print(json.dumps(_figures(scarce, crowded, checked)))
    else:
        print("\n".join(_table(scarce, crowded, checked)))
    return 0


def timing(size: int, *, all_fit: bool) -> Timing:
    """Time sharing on a site with so many connectors, where all or not all minimums fit."""
    site, claims = _site(size)
    room = _room(site, claims, all_fit=all_fit)
    taken_s: list[float] = []
    started = time.perf_counter()
    while len(taken_s) < FEWEST_RUNS or time.perf_counter() - started < RUN_FOR_S:
        before = time.perf_counter()
        shares = allocate(site, claims, room)
        taken_s.append(time.perf_counter() - before)
    left = list(room)
    for claim in claims:
        take(left, claim.way, shares[claim.key].limit_a)
    return Timing(
        connectors=size,
        ms=median(taken_s) * 1_000,
        full=sum(left_a < 1.0 - EPSILON_A for left_a in left) / len(left),
        admitted=sum(share.limit_a > 0 for share in shares.values()) / size,
    )


def growth(timings: Sequence[Timing]) -> float:
    """Return the slope of the logarithm of time over that of size; linear growth is 1."""
    return linear_regression(
        [log(timing.connectors) for timing in timings], [log(timing.ms) for timing in timings]
    ).slope


def check(instances: int) -> Check:
    """Compare random instances with the best sharing in whole amperes, found by a solver."""
    apart_a = list(_apart_a(instances))
    return Check(
        instances=instances,
        identical=sum(most_a < EPSILON_A for most_a in apart_a),
        within_1_a=sum(most_a < 1.0 + EPSILON_A for most_a in apart_a),
    )


def _apart_a(instances: int) -> Iterator[float]:
    for seed in range(instances):
        instance = random_instance(Random(seed), CHECKED)
        got = sorted(share.limit_a for share in instance.shares().values())
        best = sorted(max_min_steps(instance.claims, instance.room))
        yield max(abs(one - other) for one, other in zip(got, best, strict=True))


def _site(size: int) -> tuple[Site, list[Claim]]:
    chance = Random(size)
    groups = {ROOT_GROUP_ID: _group(ROOT_GROUP_ID, None)}
    connectors: dict[ConnectorKey, Connector] = {}
    for number in range(size):
        panel = f"panel-{number // (CHARGERS_PER_GROUP * GROUPS_PER_PANEL)}"
        feeder = f"feeder-{number // CHARGERS_PER_GROUP}"
        groups.setdefault(panel, _group(panel, ROOT_GROUP_ID))
        groups.setdefault(feeder, _group(feeder, panel))
        key = ConnectorKey(charger=f"charger-{number}", connector=1)
        connectors[key] = Connector(
            key=key,
            name=key.charger,
            group_id=feeder,
            rating_a=RATING_A,
            maximum_a=chance.choice(MAXIMUMS_A),
            phase_map=chance.choice(WIRINGS),
        )
    site = Site(groups=groups, connectors=connectors)
    arrivals = count()
    chance.shuffle(keys := list(connectors))
    order = {key: float(next(arrivals)) for key in keys}
    return site, [_claim(site, connector, order[key]) for key, connector in connectors.items()]


def _group(group_id: str, parent_id: str | None) -> Group:
    return Group(id=group_id, name=group_id, parent_id=parent_id, rating_a=100_000.0)


def _claim(site: Site, connector: Connector, order: float) -> Claim:
    return Claim(
        key=connector.key,
        group_id=connector.group_id,
        way=site.routes.way(connector.group_id, connector.phase_map.phases),
        minimum_a=connector.minimum_a,
        maximum_a=connector.maximum_a,
        order=(order,),
        arrival=order,
    )


def _room(site: Site, claims: Sequence[Claim], *, all_fit: bool) -> list[float]:
    """Return room of which sharing leaves less than one step: what sharing a random room takes."""
    chance = Random(len(claims))
    room = [0.0] * len(site.routes.resources)
    for claim in claims:
        more_a = chance.random() * (claim.maximum_a - MINIMUM_CURRENT_A)
        take(room, claim.way, -(MINIMUM_CURRENT_A + more_a if all_fit else MINIMUM_CURRENT_A))
    if not all_fit:
        return [FITTING * room_a for room_a in room]
    shares = allocate(site, claims, room)
    taken = [0.0] * len(room)
    for claim in claims:
        take(taken, claim.way, -shares[claim.key].limit_a)
    return [taken_a + chance.random() for taken_a in taken]


def _figures(
    scarce: Sequence[Timing], crowded: Sequence[Timing], checked: Check | None
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for prefix, timings in (("", scarce), ("crowded_", crowded)):
        for one in timings:
            figures[f"{prefix}ms_{one.connectors}"] = round(one.ms, 4)
        if len(timings) > 1:
            figures[f"{prefix}slope"] = round(growth(timings), 3)
    if checked is not None:
        figures |= {
            "instances": checked.instances,
            "identical": checked.identical,
            "within_1_a": checked.within_1_a,
        }
    return figures


def _table(
    scarce: Sequence[Timing], crowded: Sequence[Timing], checked: Check | None
) -> Iterator[str]:
    yield f"{'connectors':>10} {'all fit':>12} {'limits full':>12} {'crowded':>12} {'charging':>9}"
    for one, other in zip(scarce, crowded, strict=True):
        yield (
            f"{one.connectors:>10,} {one.ms:>9.3f} ms {one.full:>12.0%}"
            f" {other.ms:>9.3f} ms {other.admitted:>9.0%}"
        )
    if len(scarce) > 1:
        yield f"{'growth':>10} {growth(scarce):>12.2f} {'':>12} {growth(crowded):>12.2f}"
    yield ""
    yield "all fit: everybody charges, and the limits are full: less than one step is left of them."
    yield "crowded: not all minimums fit; charging: how many cars charge."
    yield "growth: 1 where ten times the chargers take ten times as long."
    if checked is not None:
        yield ""
        yield (
            f"{checked.identical:,} of {checked.instances:,} random instances are identical with"
            f" the best sharing in whole amperes, {checked.within_1_a:,} within 1 A."
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="allocation", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--check",
        type=_whole,
        metavar="N",
        help="compare N random instances with the exact optimum (about 10 ms each)",
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=SIZES,
        metavar="N,N",
        help="how many connectors (default: %(default)s)",
    )
    return parser


def _whole(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return number


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({_whole(part) for part in text.split(",")}))


if __name__ == "__main__":
    sys.exit(main())
