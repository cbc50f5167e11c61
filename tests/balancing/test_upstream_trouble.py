"""What chargers in trouble cost the fuse and the others in ocpp-balanz, and what they cost here."""

from functools import partial

from .build import key
from .garage import car, garage
from .truth import Answer, Manner
from .upstream import limits_of, never_more_than
from .world import limit_of


def test_a_charger_that_is_away_keeps_its_current_and_the_fuse_holds() -> None:
    # 64 A on 32 A there.
    world = garage(
        *(car(name, rating_a=32.0) for name in "abc"),
        capacity_a=32.0,
        came_s={"b": 1900.0, "c": 1900.0},
    )
    over = never_more_than(world, 32.0)
    world.at(1800.0, partial(world.disconnect, key("a")))
    world.run(7200.0)

    assert world.truths[key("a")].current_a == 32.0
    assert over == []


def test_a_charger_that_loses_its_limits_in_a_power_cut_overloads_nothing() -> None:
    # 32 A for 10 s and more there.
    world = garage(car("a"), car("b"), capacity_a=20.0, came_s={"a": 300.0, "b": 360.0})
    over = never_more_than(world, 20.0)
    world.at(120.0, partial(world.disconnect, key("a"), forget=True))
    world.at(130.0, partial(world.connect, key("a"), reboot=True))
    world.run(1200.0)

    assert limits_of(world) == {"a": 10.0, "b": 10.0}
    assert over == []


def test_a_car_that_waits_when_all_starts_is_never_above_the_limit() -> None:
    # Nothing was controlled for the first 300 s there: 32 A on 16 A.
    world = garage(car("a", rating_a=32.0), capacity_a=16.0, came_s={"a": 5.0})
    over = never_more_than(world, 16.0)
    world.run(300.0)

    assert limits_of(world) == {"a": 16.0}
    assert over == []


def test_a_charger_that_refuses_limits_costs_the_others_only_what_it_holds() -> None:
    refusing = car("a", rating_a=32.0, maximum_a=12.0)
    world = garage(refusing, car("b"), car("c"), capacity_a=24.0, came_s={"b": 930.0, "c": 930.0})
    over = never_more_than(world, 24.0)
    world.run(900.0)
    refusing.manners = (Manner(answer=Answer.REJECTED),)
    world.run(1500.0)

    assert limits_of(world) == {"a": 12.0, "b": 6.0, "c": 6.0}
    assert over == []


def test_a_charger_that_falls_silent_keeps_nobody_else_waiting() -> None:
    # It held up all others at 6 A there.
    silent = car("a", rating_a=32.0)
    world = garage(
        silent,
        car("b", rating_a=32.0),
        car("c", rating_a=32.0),
        capacity_a=96.0,
        came_s={"b": 230.0, "c": 230.0},
    )
    world.run(200.0)
    silent.manners = (Manner(answer=Answer.LOST),)
    world.run(90.0)

    assert (limit_of(world, key("b")), limit_of(world, key("c"))) == (32.0, 32.0)
