"""Sharing: who gets how many amperes."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.allocation import (
    Claim,
    Resource,
    Share,
    allocate,
    load,
    resources,
)
from custom_components.balanz.balancing.model import ConnectorKey, Group, Site
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents, PhaseMap

from .build import group, key, site

FEEDER = site([group(rating_a=32.0), group("garage", 20.0)])
EPSILON_A = 1e-5


def claim(
    name: str,
    *,
    group_id: str = "root",
    phase_map: PhaseMap = PhaseMap.L1_L2_L3,
    minimum_a: float = 6.0,
    maximum_a: float = 16.0,
    step_a: float = 1.0,
    priority: int = 1,
    since: float = 0.0,
) -> Claim:
    return Claim(
        key=key(name),
        group_id=group_id,
        phase_map=phase_map,
        minimum_a=minimum_a,
        maximum_a=maximum_a,
        step_a=step_a,
        priority=priority,
        order=(since,),
    )


def room(root_a: float, garage_a: float = 100.0) -> dict[Resource, float]:
    rooms = {"root": root_a, "garage": garage_a}
    return {(group_id, phase): a for group_id, a in rooms.items() for phase in ALL_PHASES}


def shared(*claims: Claim, among: dict[Resource, float]) -> dict[str, float]:
    shares = allocate(FEEDER, claims, among)
    return {share_key.charger: share.limit_a for share_key, share in shares.items()}


def test_two_cars_share_evenly() -> None:
    assert shared(claim("a"), claim("b"), among=room(24.0)) == {"a": 12.0, "b": 12.0}


def test_the_odd_ampere_goes_to_who_has_waited_longest() -> None:
    got = shared(claim("a", since=2.0), claim("b", since=1.0), among=room(25.0))

    assert got == {"a": 12.0, "b": 13.0}


def test_what_one_car_cannot_use_goes_to_the_other() -> None:
    assert shared(claim("a", maximum_a=8.0), claim("b"), among=room(24.0)) == {"a": 8.0, "b": 16.0}


def test_who_came_last_waits_where_not_all_minimums_fit() -> None:
    got = shared(*(claim(name, since=n) for n, name in enumerate("abc")), among=room(17.0))

    assert got == {"a": 9.0, "b": 8.0, "c": 0.0}


def test_who_waits_is_told_the_group_and_phase() -> None:
    shares = allocate(FEEDER, [claim("a", group_id="garage")], room(30.0, 5.0))

    assert shares[key("a")] == Share(limit_a=0.0, binding=("garage", Phase.L1))


def test_a_car_that_has_its_maximum_is_bound_by_no_group() -> None:
    shares = allocate(FEEDER, [claim("a")], room(30.0))

    assert shares[key("a")] == Share(limit_a=16.0, binding=None)


def test_single_phase_cars_on_different_phases_do_not_disturb_each_other() -> None:
    one, two = claim("a", phase_map=PhaseMap.L1), claim("b", phase_map=PhaseMap.L2)

    assert shared(one, two, among=room(16.0)) == {"a": 16.0, "b": 16.0}


def test_the_inner_group_binds_before_the_outer() -> None:
    got = shared(claim("a", group_id="garage"), claim("b"), among=room(32.0, 10.0))

    assert got == {"a": 10.0, "b": 16.0}


def test_no_room_or_less_admits_nobody() -> None:
    assert shared(claim("a"), among=room(-3.0)) == {"a": 0.0}


def test_the_higher_priority_is_filled_first() -> None:
    got = shared(claim("a", priority=2), claim("b"), among=room(23.0))

    assert got == {"a": 16.0, "b": 7.0}


def test_tenths_do_not_add_up_rounding_errors() -> None:
    assert shared(claim("a", step_a=0.1), among=room(9.75)) == {"a": 9.7}


def test_a_group_of_one_phase_is_loaded_on_that_phase_only() -> None:
    shed = Group(
        id="shed", name="shed", parent_id="root", rating_a=16.0, phases=(Phase.L2,), metered=False
    )
    yard = site([group(), shed])

    assert resources(yard, "shed", PhaseMap.L2) == (("shed", Phase.L2), ("root", Phase.L2))
    assert load(yard, [("shed", PhaseCurrents(l2=7.0))]) == {
        ("root", Phase.L1): 0.0,
        ("root", Phase.L2): 7.0,
        ("root", Phase.L3): 0.0,
        ("shed", Phase.L2): 7.0,
    }


@st.composite
def instances(draw: st.DrawFn) -> tuple[list[Claim], dict[Resource, float]]:
    claims = []
    for number in range(draw(st.integers(1, 6))):
        minimum_a = draw(st.sampled_from([6.0, 8.0]))
        claims.append(
            claim(
                f"c{number}",
                group_id=draw(st.sampled_from(["root", "garage"])),
                phase_map=draw(st.sampled_from(PhaseMap)),
                minimum_a=minimum_a,
                maximum_a=minimum_a + draw(st.integers(0, 12)),
                priority=draw(st.integers(1, 2)),
                since=draw(st.integers(0, 2)),
            )
        )
    rooms = st.floats(-5.0, 60.0)
    return claims, {
        (group_id, phase): draw(rooms) for group_id in ("root", "garage") for phase in ALL_PHASES
    }


type Shares = dict[ConnectorKey, Share]


def left_over(
    claims: list[Claim], shares: Shares, among: dict[Resource, float]
) -> dict[Resource, float]:
    taken = load(FEEDER, [(c.group_id, c.phase_map.spread(shares[c.key].limit_a)) for c in claims])
    return {resource: among[resource] - taken[resource] for resource in among}


@given(instances())
def test_nobody_gets_more_than_there_is(
    instance: tuple[list[Claim], dict[Resource, float]],
) -> None:
    claims, among = instance
    shares = allocate(FEEDER, claims, among)
    left = left_over(claims, shares, among)

    assert all(left[r] >= min(among[r], 0.0) - EPSILON_A for r in among)


@given(instances())
def test_everybody_gets_nothing_or_between_minimum_and_maximum(
    instance: tuple[list[Claim], dict[Resource, float]],
) -> None:
    claims, among = instance
    shares = allocate(FEEDER, claims, among)

    for one in claims:
        limit_a = shares[one.key].limit_a
        assert limit_a == 0 or one.minimum_a <= limit_a <= one.maximum_a


@given(instances())
def test_nobody_could_get_one_more_step(
    instance: tuple[list[Claim], dict[Resource, float]],
) -> None:
    claims, among = instance
    shares = allocate(FEEDER, claims, among)
    left = left_over(claims, shares, among)

    for one in claims:
        limit_a = shares[one.key].limit_a
        more_a = one.step_a if limit_a else one.minimum_a
        way = resources(FEEDER, one.group_id, one.phase_map)
        if limit_a + more_a <= one.maximum_a:
            assert any(left[resource] < more_a + EPSILON_A for resource in way)


@given(instances())
def test_who_wants_more_shares_a_full_limit_where_nobody_equal_has_more(
    instance: tuple[list[Claim], dict[Resource, float]],
) -> None:
    """The bottleneck property, which makes a share max-min fair; to within one step."""
    claims, among = instance
    shares = allocate(FEEDER, claims, among)
    left = left_over(claims, shares, among)

    for one in claims:
        limit_a = shares[one.key].limit_a
        if not 0 < limit_a < one.maximum_a:
            continue
        assert any(
            left[resource] < one.step_a + EPSILON_A
            and all(
                shares[other.key].limit_a <= max(limit_a + one.step_a, other.minimum_a)
                for other in claims
                if other.priority == one.priority
                and resource in resources(FEEDER, other.group_id, other.phase_map)
            )
            for resource in resources(FEEDER, one.group_id, one.phase_map)
        )


@given(instances(), st.randoms(use_true_random=False))
def test_the_order_in_which_chargers_are_listed_makes_no_difference(
    instance: tuple[list[Claim], dict[Resource, float]], chance: random.Random
) -> None:
    claims, among = instance
    shuffled = list(claims)
    chance.shuffle(shuffled)

    assert allocate(FEEDER, shuffled, among) == allocate(FEEDER, claims, among)


@given(instances())
def test_a_lower_priority_takes_nothing_from_a_higher(
    instance: tuple[list[Claim], dict[Resource, float]],
) -> None:
    claims, among = instance
    high = [one for one in claims if one.priority == 2]
    alone = allocate(FEEDER, high, among)
    shares = allocate(FEEDER, claims, among)

    assert all(shares[one.key].limit_a == alone[one.key].limit_a for one in high)


@given(
    st.lists(st.tuples(st.integers(2, 3), st.integers(0, 4)), min_size=1, max_size=3),
    st.integers(0, 15),
)
def test_on_one_fuse_the_share_is_the_best_of_all_possible_ones(
    sizes: list[tuple[int, int]], room_a: int
) -> None:
    """The poorest gets as much as can be, then the next poorest: tried out exhaustively."""
    yard: Site = site([group()])
    claims = [
        claim(f"c{n}", minimum_a=minimum, maximum_a=minimum + more)
        for n, (minimum, more) in enumerate(sizes)
    ]
    among = {("root", phase): float(room_a) for phase in ALL_PHASES}
    shares = allocate(yard, claims, among)
    got = [int(shares[one.key].limit_a) for one in claims]

    possible = [
        tried
        for tried in itertools.product(
            *(
                range(int(one.minimum_a), int(one.maximum_a) + 1) if limit_a else (0,)
                for one, limit_a in zip(claims, got, strict=True)
            )
        )
        if sum(tried) <= room_a
    ]
    assert sorted(got) == max(sorted(tried) for tried in possible)
