"""What a car still needs until it leaves, and what it gets for that."""

from dataclasses import replace
from math import inf

import pytest

from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.need import (
    UNTOLD_LEAST_S,
    UNTOLD_STAY_S,
    URGENT_S,
    Need,
)
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.tuning import Tuning
from custom_components.balanz.balancing.turns import Service, Turns

from .build import NOW, charging, connector, decide, group, inputs, key, limits, site
from .garage import ARRIVAL_S, car, garage
from .world import World, limit_of

HOUR_S = 3600.0
TURN_S = Tuning().turn_s
THREE_PHASES_W_PER_A = 690.0
A, B = key("a"), key("b")


def need(current_a: float, left_s: float = HOUR_S) -> Need:
    """What a car on three phases needs that has to charge with this current all the while."""
    return Need(
        energy_wh=current_a * THREE_PHASES_W_PER_A * left_s / 3600.0, departs_at=NOW + left_s
    )


def test_the_energy_over_the_time_left_is_a_current_per_line() -> None:
    one_hour = Need(energy_wh=11_040.0, departs_at=NOW + HOUR_S)

    assert one_hour.current_a(3, NOW) == pytest.approx(16.0)
    assert one_hour.current_a(1, NOW) == pytest.approx(48.0)
    assert one_hour.current_a(3, NOW + HOUR_S / 2) == pytest.approx(32.0)


@pytest.mark.parametrize("told", [Need(), Need(energy_wh=9000.0), Need(departs_at=NOW + HOUR_S)])
def test_half_of_what_has_to_be_known_is_nothing_known(told: Need) -> None:
    assert told.current_a(3, NOW) is None
    assert told.time_left_s(NOW, NOW) == UNTOLD_STAY_S


def test_a_car_of_which_nothing_is_known_is_never_thought_to_leave_at_once() -> None:
    assert Need().time_left_s(NOW, NOW + UNTOLD_STAY_S) == UNTOLD_LEAST_S


def test_a_car_that_should_have_left_is_reckoned_with_as_if_it_left_in_five_minutes() -> None:
    late = Need(energy_wh=690.0, departs_at=NOW - HOUR_S)

    assert late.current_a(3, NOW) == pytest.approx(HOUR_S / URGENT_S)
    assert late.time_left_s(NOW, NOW) == URGENT_S


def test_who_has_what_it_needs_has_all_the_time_in_the_world() -> None:
    assert Need(energy_wh=0.0, departs_at=NOW + HOUR_S).time_left_s(NOW, NOW) == inf


def shared(policy: Policy, *, a: Need, b: Need | None = None) -> dict[str, float]:
    """What two cars are told that charge with 12 A each, on a fuse of 24 A."""
    pair = site([replace(group(rating_a=24.0), policy=policy)], [connector("a"), connector("b")])
    needs = {"a": a, "b": Need() if b is None else b}
    cars = [charging("a", 12.0), charging("b", 12.0)]
    what = inputs(pair, [(name, replace(known, need=needs[name])) for name, known in cars])
    return {"a": 12.0, "b": 12.0} | limits(decide(pair, what))


def test_who_needs_more_takes_from_one_of_whom_nothing_is_known() -> None:
    # The raise of a follows when b has been seen to fall.
    assert shared(Policy.NEED, a=need(16.0))["b"] == 8.0


def test_who_has_to_leave_sooner_takes_from_one_that_has_time() -> None:
    soon = Need(energy_wh=10_000.0, departs_at=NOW + HOUR_S)
    later = Need(energy_wh=10_000.0, departs_at=NOW + 8 * HOUR_S)

    assert shared(Policy.NEED, a=later, b=soon)["a"] < 12.0


def test_two_in_the_same_need_share_evenly_however_great_it_is() -> None:
    assert shared(Policy.NEED, a=need(14.0), b=need(14.0)) == {"a": 12.0, "b": 12.0}
    assert shared(Policy.NEED, a=need(40.0), b=need(90.0)) == {"a": 12.0, "b": 12.0}


def test_nobody_loses_by_telling_that_it_needs_little() -> None:
    assert shared(Policy.NEED, a=need(1.0)) == {"a": 12.0, "b": 12.0}


def test_needs_count_only_where_the_group_goes_by_need() -> None:
    assert shared(Policy.FAIR, a=need(16.0)) == {"a": 12.0, "b": 12.0}


@pytest.mark.parametrize(("for_s", "limit_a"), [(60.0, 6.0), (TURN_S, 0.0)])
def test_need_takes_no_minimum_from_one_whose_turn_it_is(for_s: float, limit_a: float) -> None:
    pair = site(
        [replace(group(rating_a=13.0), policy=Policy.NEED)], [connector("a"), connector("b")]
    )
    what = inputs(
        pair,
        [
            ("a", replace(charging("a", 6.0)[1], need=need(100.0))),
            charging("b", 7.0),
        ],
    )
    in_its_turn = Service(
        since=0.0, has_place=True, placed_at=NOW - for_s, charging=True, charged=True
    )
    state = State(turns=Turns(services={B: in_its_turn}, served_as={B: 0.0}, at=NOW))

    assert limits(decide(pair, what, state)) == {"b": limit_a}


def test_who_has_had_nothing_has_a_turn_whatever_others_need() -> None:
    world = garage(car("a"), car("b"), capacity_a=9.0, policy=Policy.NEED, came_s={"b": 100.0})

    def tell() -> None:
        world.known[A].need = Need(energy_wh=50_000.0, departs_at=ARRIVAL_S + 2 * HOUR_S)
        world.known[B].need = Need(energy_wh=9_000.0, departs_at=ARRIVAL_S + 9 * HOUR_S)

    world.every(10.0, tell)
    world.run(100.0 + 300.0)
    had_by_then_as = world.charged_as[B]
    world.run(2 * HOUR_S)

    assert had_by_then_as > 0.0
    assert len(world.switched[B]) <= 4


def charged_wh(world: World) -> float:
    return world.charged_as[A] * THREE_PHASES_W_PER_A / 3600.0


@pytest.mark.parametrize(("policy", "in_time"), [(Policy.NEED, True), (Policy.FAIR, False)])
def test_a_car_that_would_be_late_with_a_fair_share_is_ready_in_time(
    policy: Policy, in_time: bool
) -> None:
    needed_wh, departs_at = 8000.0, ARRIVAL_S + HOUR_S
    world = garage(car("a"), car("b"), capacity_a=20.0, policy=policy)

    def tell() -> None:
        left_wh = needed_wh - charged_wh(world)
        world.known[A].need = Need(energy_wh=left_wh, departs_at=departs_at)

    world.every(60.0, tell)
    world.run(departs_at)

    assert (charged_wh(world) >= needed_wh) is in_time
    assert (limit_of(world, B) or 0.0) >= 6.0
