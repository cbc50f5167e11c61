"""A car that wakes by itself is seen by the group's meter before its charger tells."""

from functools import partial

import pytest

from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.balancing.supply import RAMP_S, BaseLoad, Rise

from .build import connector, group, key, meter, site
from .truth import Truth
from .world import World, limit_of

A, B = key("a"), key("b")
HOUSE_A = 4.0
SETTLED_S = 400.0
JUST_TOLD_S = 2.0
"""After that long both chargers have just told their values, and tell them again in 8 s."""


def night(charging_a: float = 16.0) -> World:
    """Return a full site: one car charges, and one sleeps that has been left its 6 A."""
    yard = site(
        [group(rating_a=HOUSE_A + charging_a + 6.0, metered=True)],
        [connector("a", maximum_a=charging_a), connector("b")],
    )
    cars = {one.key: Truth(connector=one) for one in yard.connectors.values()}
    cars[B].demand_a = 0.0
    world = World(yard, cars, house={"root": PhaseCurrents.uniform(HOUSE_A)})
    world.metering()
    for name in cars:
        world.after(0.0, partial(world.connect, name, reboot=True))
        world.after(1.0, partial(world.plug, name))
    world.run(SETTLED_S + JUST_TOLD_S)
    assert (limit_of(world, A), limit_of(world, B)) == (charging_a, 6.0)
    return world


def house_takes(world: World, *more_a: float) -> None:
    l1, l2, l3 = more_a
    world.house["root"] += PhaseCurrents(l1=l1, l2=l2, l3=l3)


def test_a_car_that_wakes_is_not_paused_for_what_it_has_just_begun_to_take() -> None:
    world = night()

    world.truths[B].demand_a = 16.0
    world.run(60.0)

    assert all(charging for _, charging in world.switched[B])
    assert world.truths[B].current_a >= 6.0


def test_others_are_cut_at_once_since_it_may_be_the_house() -> None:
    world = night()

    world.truths[B].demand_a = 16.0
    world.run(4.0)

    assert limit_of(world, A) == 10.0
    assert limit_of(world, B) == 6.0


def test_once_its_charger_tells_that_it_sleeps_on_it_gives_way() -> None:
    world = night()

    house_takes(world, 6.0, 6.0, 6.0)
    world.run(4.0)
    assert (limit_of(world, A), limit_of(world, B)) == (10.0, 6.0)
    world.run(60.0)

    assert limit_of(world, B) == 0.0
    assert limit_of(world, A) == 16.0


@pytest.mark.parametrize("more_a", [(9.0, 0.0, 0.0), (9.0, 9.0, 9.0), (6.0, 6.0, 9.0)])
def test_it_gives_way_at_once_to_what_cannot_be_its_own(more_a: tuple[float, ...]) -> None:
    world = night()

    house_takes(world, *more_a)
    world.run(4.0)

    assert limit_of(world, B) == 0.0
    assert limit_of(world, A) == 22.0 - max(more_a)


def test_a_car_that_charges_is_not_paused_for_one_that_may_have_woken() -> None:
    world = night(charging_a=6.0)

    world.truths[B].demand_a = 16.0
    world.run(4.0)

    assert (limit_of(world, A), limit_of(world, B)) == (6.0, 0.0)


def observed(*currents_a: float, every_s: float = 2.0) -> BaseLoad:
    """Return the estimate after readings, while chargers draw nothing."""
    base_load = BaseLoad()
    for number, current_a in enumerate(currents_a):
        base_load = base_load.observe(meter(current_a, at=number * every_s), [])
    return base_load


def risen(since: float, by_a: float) -> Rise:
    return Rise(since=since, by=PhaseCurrents.uniform(by_a))


def test_what_rises_within_the_time_that_a_car_takes_is_one_rise() -> None:
    assert observed(4.0, 7.0, 10.0).risen == risen(2.0, 6.0)


def test_what_has_fallen_again_meanwhile_is_not_in_it() -> None:
    assert observed(4.0, 10.0, 7.0).risen == risen(2.0, 3.0)


def test_a_rise_after_that_is_another_one() -> None:
    assert observed(4.0, 7.0, 10.0, every_s=RAMP_S + 1.0).risen == risen(2 * (RAMP_S + 1.0), 3.0)


def test_a_rise_that_makes_no_difference_is_none() -> None:
    assert observed(4.0, 4.5).risen is None
    assert observed(4.0).risen is None
