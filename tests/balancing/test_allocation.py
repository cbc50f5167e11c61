"""Sharing: who gets how many amperes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from custom_components.balanz.balancing import allocation
from custom_components.balanz.balancing.claims import Claim, Share
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.model import ConnectorKey, Site
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.routes import Resource

from .build import group, key, site

FEEDER = site([group(rating_a=32.0), group("garage", 20.0)])


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
    **more: Any,
) -> Claim:
    return Claim(
        key=key(name),
        group_id=group_id,
        way=FEEDER.routes.way(group_id, phase_map.phases),
        minimum_a=minimum_a,
        maximum_a=maximum_a,
        step_a=step_a,
        priority=priority,
        order=(since,),
        arrival=since,
        **more,
    )


def allocate(
    on: Site, claims: Sequence[Claim], among: Mapping[Resource, float]
) -> dict[ConnectorKey, Share]:
    return allocation.allocate(on, claims, [among[it] for it in on.routes.resources])


def room(root_a: float, garage_a: float = 100.0) -> dict[Resource, float]:
    rooms = {"root": root_a, "garage": garage_a}
    return {Resource(group_id, phase): a for group_id, a in rooms.items() for phase in ALL_PHASES}


def shared(*claims: Claim, among: dict[Resource, float]) -> dict[str, float]:
    shares = allocate(FEEDER, claims, among)
    return {share_key.charger: share.limit_a for share_key, share in shares.items()}


def test_two_cars_share_evenly() -> None:
    assert shared(claim("a"), claim("b"), among=room(24.0)) == {"a": 12.0, "b": 12.0}


def test_the_odd_ampere_goes_to_who_has_waited_longest() -> None:
    got = shared(claim("a", since=2.0), claim("b", since=1.0), among=room(25.0))

    assert got == {"a": 12.0, "b": 13.0}


def test_the_odd_ampere_goes_to_who_has_least() -> None:
    """Not to the one that came first, whose minimum is more than the others have."""
    large = claim("large", minimum_a=10.0)

    got = shared(large, claim("a", since=1.0), claim("b", since=2.0), among=room(25.0))

    assert got == {"large": 10.0, "a": 8.0, "b": 7.0}


def test_what_one_car_cannot_use_goes_to_the_other() -> None:
    assert shared(claim("a", maximum_a=8.0), claim("b"), among=room(24.0)) == {"a": 8.0, "b": 16.0}


def test_who_came_last_waits_where_not_all_minimums_fit() -> None:
    got = shared(*(claim(name, since=n) for n, name in enumerate("abc")), among=room(17.0))

    assert got == {"a": 9.0, "b": 8.0, "c": 0.0}


def test_who_waits_is_told_the_group_and_phase() -> None:
    shares = allocate(FEEDER, [claim("a", group_id="garage")], room(30.0, 5.0))

    assert shares[key("a")] == Share(limit_a=0.0, binding=Resource("garage", Phase.L1))


def test_a_car_that_has_its_maximum_is_bound_by_no_group() -> None:
    shares = allocate(FEEDER, [claim("a")], room(30.0))

    assert shares[key("a")] == Share(limit_a=16.0, binding=None)


def test_single_phase_cars_on_different_phases_do_not_disturb_each_other() -> None:
    one, two = claim("a", phase_map=PhaseMap.L1), claim("b", phase_map=PhaseMap.L2)

    assert shared(one, two, among=room(16.0)) == {"a": 16.0, "b": 16.0}


def test_the_inner_group_binds_before_the_outer() -> None:
    got = shared(claim("a", group_id="garage"), claim("b"), among=room(32.0, 10.0))

    assert got == {"a": 10.0, "b": 16.0}


@pytest.mark.parametrize("room_a", [0.0, -3.0, math.nan])
def test_no_room_or_less_or_none_that_is_known_admits_nobody(room_a: float) -> None:
    assert shared(claim("a"), among=room(room_a)) == {"a": 0.0}


def test_the_higher_priority_is_filled_first() -> None:
    got = shared(claim("a", priority=2), claim("b"), among=room(23.0))

    assert got == {"a": 16.0, "b": 7.0}


def test_everybody_has_the_minimum_before_a_higher_priority_has_more() -> None:
    got = shared(claim("a", priority=2), claim("b"), among=room(17.0))

    assert got == {"a": 11.0, "b": 6.0}


def test_weights_share_what_is_there_in_proportion() -> None:
    got = shared(
        claim("a", maximum_a=32.0, weight=2.0), claim("b", maximum_a=32.0), among=room(30.0)
    )

    assert got == {"a": 20.0, "b": 10.0}


def test_a_power_limit_counts_the_phases_that_a_car_uses() -> None:
    yard = site([replace(group(rating_a=32.0), power_limit_w=6900.0)])
    three = claim("a")._replace(way=yard.routes.way("root", ALL_PHASES))
    one = claim("b")._replace(way=yard.routes.way("root", (Phase.L1,)))
    among = {Resource("root", phase): 32.0 for phase in ALL_PHASES}

    shares = allocate(yard, [three, one], among | {Resource("root", None): 30.0})

    assert shares[key("a")] == Share(limit_a=7.0, binding=Resource("root", None))
    assert shares[key("b")] == Share(limit_a=9.0, binding=Resource("root", None))


def test_who_keeps_its_place_in_line_is_not_passed_by_smaller_ones() -> None:
    charging = claim("a", phase_map=PhaseMap.L1, since=1.0)
    large = claim("b", since=2.0)
    small = claim("c", phase_map=PhaseMap.L2, since=3.0)

    passed = shared(charging, large, small, among=room(10.0))
    kept = shared(charging, large._replace(reserves=True), small, among=room(10.0))

    assert passed == {"a": 10.0, "b": 0.0, "c": 10.0}
    assert kept == {"a": 10.0, "b": 0.0, "c": 0.0}


def test_who_had_to_give_way_comes_back_only_beside_a_house_that_leaves_some_to_spare() -> None:
    metered = site([group(rating_a=32.0, metered=True), group("garage", 20.0)])
    claims = [claim("a", since=1.0), claim("b", since=2.0, needs_spare=True)]

    def limit_a(among_a: float) -> float:
        return allocate(metered, claims, room(among_a))[key("b")].limit_a

    assert limit_a(13.9) == 0.0
    assert limit_a(14.0) == 7.0
    assert shared(*claims, among=room(12.0)) == {"a": 6.0, "b": 6.0}


def test_a_sleeping_car_has_what_all_others_leave() -> None:
    awake, asleep = claim("a"), claim("b", maximum_a=6.0, spare=True)

    assert shared(awake, asleep, among=room(21.0)) == {"a": 16.0, "b": 0.0}
    assert shared(awake, asleep, among=room(22.0)) == {"a": 16.0, "b": 6.0}


def test_tenths_do_not_add_up_rounding_errors() -> None:
    assert shared(claim("a", step_a=0.1), among=room(9.75)) == {"a": 9.7}


@pytest.mark.parametrize("rotation", [PhaseMap.L2_L3_L1, PhaseMap.L3_L1_L2, PhaseMap.L3_L2_L1])
def test_all_rotations_of_the_same_phases_share_one_way(rotation: PhaseMap) -> None:
    """One object, since what meets the same limits is reckoned with once."""
    routes = site([group()]).routes

    assert routes.way("root", rotation.phases) is routes.way("root", ALL_PHASES)


def test_a_group_of_one_phase_is_loaded_on_that_phase_only() -> None:
    shed = Group(
        id="shed", name="shed", parent_id="root", rating_a=16.0, phases=(Phase.L2,), metered=False
    )
    yard = site([group(), shed])

    numbers = yard.routes.numbers
    assert yard.routes.way("shed", PhaseMap.L2.phases) == (
        (numbers[Resource("shed", Phase.L2)], 1),
        (numbers[Resource("root", Phase.L2)], 1),
    )
    loads = yard.routes.load([(yard.routes.paths["shed"], PhaseCurrents(l2=7.0))])
    assert dict(zip(yard.routes.resources, loads, strict=True)) == {
        Resource("root", Phase.L1): 0.0,
        Resource("root", Phase.L2): 7.0,
        Resource("root", Phase.L3): 0.0,
        Resource("shed", Phase.L2): 7.0,
    }
