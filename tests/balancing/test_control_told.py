"""Single steps of control: what they tell about chargers and groups."""

import pytest

from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.commitments import Commitment
from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.demand import Appetite
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.supply import BaseLoad

from .build import (
    NOW,
    charging,
    connector,
    decide,
    drawing,
    group,
    inputs,
    key,
    known,
    limits,
    meter,
    obeying,
    site,
    waiting,
)

TWO = site([group()], [connector("a"), connector("b")])
METERED = site([group(metered=True, margin_a=1.0)], [connector("a"), connector("b")])


def house(current_a: float) -> State:
    """A house whose load has been known for a while."""
    return State(base_loads={"root": BaseLoad().observe(meter(current_a, at=NOW - 2), [])})


def test_an_overload_that_no_cut_can_end_is_told() -> None:
    what = inputs(METERED, [waiting("a")], meters={"root": meter(30.0)})

    assert decide(METERED, what).groups["root"].overloaded


def test_an_overload_that_a_cut_ends_is_not_told() -> None:
    what = inputs(METERED, [charging("a", 16.0)], meters={"root": meter(30.0)})

    view = decide(METERED, what, house(4.0)).groups["root"]

    assert not view.within_limit
    assert not view.overloaded


def test_an_overload_of_one_phase_is_told_though_a_car_charges_on_another() -> None:
    yard = site([group(metered=True)], [connector("a", phase_map=PhaseMap.L2)])
    car = known(obeying(16.0, reading_a=16.0), draw=drawing(16.0, PhaseMap.L2))
    what = inputs(yard, [("a", car)], meters={"root": meter(30.0, 18.0, 2.0)})

    result = decide(yard, what)

    assert limits(result) == {}
    assert result.groups["root"].overloaded


def test_an_overload_by_a_charger_that_ignores_its_limit_is_told() -> None:
    mad = known(obeying(0.0, reading_a=30.0), wants=False)

    assert decide(TWO, inputs(TWO, [("a", mad)])).groups["root"].overloaded


def test_a_maximum_below_the_minimum_pauses() -> None:
    alone = site([group()], [connector("a", maximum_a=4.0)])

    result = decide(alone, inputs(alone, [charging("a", 6.0)]))

    assert limits(result) == {"a": 0.0}
    assert result.reasons[key("a")] == Reason(rule=Rule.MAXIMUM)


def test_a_minimum_between_two_steps_is_rounded_up() -> None:
    alone = site([group(rating_a=7.0)], [connector("a", minimum_a=6.5)])

    assert limits(decide(alone, inputs(alone, [waiting("a")]))) == {"a": 7.0}


def test_a_car_that_takes_less_leaves_the_rest_to_the_other() -> None:
    modest = known(obeying(8.0, reading_a=7.0), appetite=Appetite(learnt_a=8.0))
    what = inputs(TWO, [("a", modest), charging("b", 12.0)])

    result = decide(TWO, what)

    assert limits(result) == {"b": 16.0}
    assert result.reasons[key("a")] == Reason(rule=Rule.CAR)
    assert result.reasons[key("b")] == Reason(rule=Rule.MAXIMUM)


def test_a_sleeping_car_keeps_its_minimum() -> None:
    idle = Appetite(offer_a=16.0, since=NOW - 10.0, idle_since=NOW - 10.0, has_drawn=True)
    asleep = known(obeying(16.0, reading_a=0.0), appetite=idle)

    result = decide(TWO, inputs(TWO, [("a", asleep)]))

    assert limits(result) == {"a": 6.0}
    assert result.reasons[key("a")] == Reason(rule=Rule.ASLEEP)


@pytest.mark.parametrize("rule", [Rule.NO_CAR, Rule.SWITCHED_OFF, Rule.OUT_OF_SERVICE])
def test_a_connector_that_wants_nothing_is_paused_and_says_why(rule: Rule) -> None:
    idle = known(obeying(16.0), wants=False, idle_rule=rule)

    result = decide(TWO, inputs(TWO, [("a", idle)]))

    assert limits(result) == {"a": 0.0}
    assert result.reasons[key("a")] == Reason(rule=rule)


def test_a_charger_that_just_connected_is_starting() -> None:
    fresh = known(Commitment().connected(keeps_limit=False))

    result = decide(TWO, inputs(TWO, [("a", fresh)]))

    assert result.commands == (Command(key=key("a"), limit_a=16.0, kind=Kind.CUT),)
    assert result.reasons[key("a")] == Reason(rule=Rule.STARTING)
