"""Sharing is fair: compared with the optimum, worked out by a solver."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.balancing.admission import take
from custom_components.balanz.balancing.allocation import allocate
from custom_components.balanz.balancing.claims import Claim
from custom_components.balanz.balancing.filling import stopping_levels
from custom_components.balanz.balancing.phases import ALL_PHASES

from .build import group, key, site
from .instances import Instance, Kind, instances, random_instance
from .optimum import max_min_currents, max_min_steps

EPSILON_A = 1e-5
EXACTLY_A = 1e-9
WEIGHTS = (0.5, 1.0, 1.37, 2.0, 3.0)


def without_steps(instance: Instance) -> list[float]:
    """What the product's levels mean for each claim before anything is rounded down."""
    left = list(instance.room)
    for claim in instance.claims:
        take(left, claim.way, claim.minimum_a)
    return [
        min(max(level * claim.weight, claim.minimum_a), claim.maximum_a)
        for claim, level in zip(
            instance.claims, stopping_levels(instance.claims, left), strict=True
        )
    ]


@given(instances(Kind(all_fit=True, weights=WEIGHTS, connectors=12)))
@settings(max_examples=150)
def test_levels_are_the_weighted_max_min_optimum(instance: Instance) -> None:
    best = max_min_currents(instance.claims, instance.room)

    assert without_steps(instance) == pytest.approx(best, abs=EXACTLY_A, rel=0)


@given(instances(Kind(all_fit=True, connectors=8)))
def test_whole_amperes_are_within_one_of_the_best_possible(instance: Instance) -> None:
    shares = instance.shares()

    got = sorted(share.limit_a for share in shares.values())
    best = sorted(max_min_steps(instance.claims, instance.room))

    assert got == pytest.approx(best, abs=1.0, rel=0)
    assert sum(one != other for one, other in zip(got, best, strict=True)) <= 2


def test_on_random_sites_whole_amperes_are_the_best_possible() -> None:
    """On nearly all: these have been looked at; one of ten thousand is an ampere apart."""
    for seed in range(200):
        instance = random_instance(Random(seed), Kind(all_fit=True, connectors=8))

        got = sorted(share.limit_a for share in instance.shares().values())

        assert got == sorted(max_min_steps(instance.claims, instance.room)), seed


@given(instances(Kind(all_fit=True, connectors=6, groups=3, steps_a=(0.1, 1.0))))
@settings(max_examples=20)
def test_where_some_take_tenths_the_poorest_is_less_than_an_ampere_from_the_best_possible(
    instance: Instance,
) -> None:
    shares = instance.shares()

    best_a = min(max_min_steps(instance.claims, instance.room))

    assert min(share.limit_a for share in shares.values()) > best_a - 1.0


@given(instances(Kind(all_fit=True, weights=WEIGHTS, steps_a=(1.0, 0.1))))
def test_nobody_has_a_whole_step_less_than_fair(instance: Instance) -> None:
    shares = instance.shares()

    for claim, fair_a in zip(instance.claims, without_steps(instance), strict=True):
        assert shares[claim.key].limit_a > fair_a - claim.step_a - EPSILON_A


@given(instances(Kind()))
def test_who_wants_more_shares_a_full_limit_where_nobody_equal_has_more(
    instance: Instance,
) -> None:
    """The bottleneck property, which makes a share max-min fair; to within one step."""
    shares = instance.shares()
    left = instance.left(shares)

    def at_most_a_step_more(number: int, limit_a: float) -> bool:
        return all(
            shares[other.key].limit_a <= max(limit_a + 1.0, other.minimum_a)
            for other in instance.claims
            if number in dict(other.way)
        )

    for claim in instance.claims:
        limit_a = shares[claim.key].limit_a
        if 0 < limit_a < claim.maximum_a:
            assert any(
                left[number] < claim.step_a * units and at_most_a_step_more(number, limit_a)
                for number, units in claim.way
            )


@given(
    st.lists(st.tuples(st.integers(2, 3), st.integers(0, 4)), min_size=1, max_size=3),
    st.integers(0, 15),
)
def test_on_one_fuse_the_share_is_the_best_of_all_possible_ones(
    sizes: list[tuple[int, int]], room_a: int
) -> None:
    """The poorest gets as much as can be, then the next poorest: tried out exhaustively."""
    yard = site([group()])
    claims = [
        Claim(
            key=key(f"c{number}"),
            group_id="root",
            way=yard.routes.way("root", ALL_PHASES),
            minimum_a=float(minimum_a),
            maximum_a=float(minimum_a + more_a),
        )
        for number, (minimum_a, more_a) in enumerate(sizes)
    ]
    shares = allocate(yard, claims, [float(room_a)] * len(yard.routes.resources))
    got = [int(shares[claim.key].limit_a) for claim in claims]

    possible = [
        tried
        for tried in itertools.product(
            *(
                range(int(claim.minimum_a), int(claim.maximum_a) + 1) if limit_a else (0,)
                for claim, limit_a in zip(claims, got, strict=True)
            )
        )
        if sum(tried) <= room_a
    ]
    assert sorted(got) == max(sorted(tried) for tried in possible)
