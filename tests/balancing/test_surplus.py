"""Charging from what a site would export, and limits on the power of all phases together."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.inputs import ConnectorInput
from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.surplus import FILTER_S, PATIENCE_S, Surplus, SurplusMode

from .build import (
    NOW,
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
)


def solar(mode: SurplusMode) -> Site:
    root = replace(group(rating_a=32.0, metered=True), surplus=mode)
    return site([root], [connector("a")])


def lasting(surplus_a: float, seconds: int = 120, until: float = NOW) -> Surplus:
    """A surplus that has been the same for a while, A over all phases."""
    surplus = Surplus()
    for second in range(seconds, 0, -1):
        surplus = surplus.observe(surplus_a, until - second).settled(until - second)
    return surplus


def paused() -> ConnectorInput:
    return known(obeying(0.0, reading_a=0.0), draw=drawing(0.0))


def charging(limit_a: float) -> ConnectorInput:
    return known(obeying(limit_a, reading_a=limit_a), draw=drawing(limit_a))


def step_with(
    mode: SurplusMode,
    surplus_a: float,
    car: ConnectorInput,
    *,
    meter_a: float,
    battery_a: float | None = 0.0,
) -> tuple[dict[str, float], Reason]:
    """What is sent, and why, after the meter has shown the same on each phase for a while."""
    yard = solar(mode)
    what = replace(
        inputs(yard, [("a", car)], meters={"root": meter(meter_a)}),
        battery_discharge_a={"root": battery_a},
    )
    steady = State(surpluses={"root": lasting(surplus_a)})
    result = decide(yard, what, steady)
    return limits(result), result.reasons[key("a")]


def test_without_surplus_a_car_waits_for_the_sun() -> None:
    sent, reason = step_with(SurplusMode.ONLY, 3.0, paused(), meter_a=-1.0)

    assert sent == {}
    assert reason == Reason(rule=Rule.SURPLUS, group_id="root")


def test_surplus_of_all_phases_is_shared_among_those_that_the_car_uses() -> None:
    sent, reason = step_with(SurplusMode.ONLY, 30.0, paused(), meter_a=-10.0)

    assert sent == {"a": 10.0}
    assert reason == Reason(rule=Rule.SURPLUS, group_id="root")


def test_what_the_car_draws_is_part_of_the_surplus() -> None:
    sent, _ = step_with(SurplusMode.ONLY, 30.0, charging(10.0), meter_a=0.0)

    assert sent == {}


def test_what_a_battery_gives_is_no_surplus() -> None:
    sent, _ = step_with(SurplusMode.ONLY, 30.0, paused(), meter_a=-10.0, battery_a=15.0)

    assert sent == {}


def test_while_a_battery_does_not_tell_what_it_gives_no_more_surplus_is_seen() -> None:
    sent, _ = step_with(SurplusMode.ONLY, 3.0, paused(), meter_a=-10.0, battery_a=None)

    assert sent == {}


def test_everyone_may_have_the_minimum_where_only_what_is_above_it_is_surplus() -> None:
    sent, reason = step_with(SurplusMode.MINIMUM_PLUS, 6.0, paused(), meter_a=-2.0)

    assert sent == {"a": 8.0}
    assert reason.rule is Rule.SURPLUS


def test_a_group_that_ignores_the_sun_takes_what_its_fuse_leaves() -> None:
    sent, _ = step_with(SurplusMode.IGNORE, 0.0, paused(), meter_a=2.0)

    assert sent == {"a": 16.0}


def test_a_cloud_of_some_minutes_leaves_a_charging_car_its_minimum() -> None:
    cloudy = lasting(30.0, until=NOW - 100.0)
    for second in range(100, 0, -1):
        cloudy = cloudy.observe(3.0, NOW - second).settled(NOW - second)

    assert cloudy.limit_a(SurplusMode.ONLY, charging_a=18.0, wanting_a=18.0) == 18.0
    assert cloudy.limit_a(SurplusMode.ONLY, charging_a=0.0, wanting_a=18.0) == 3.0


def test_without_enough_for_long_the_car_is_paused() -> None:
    dark = lasting(3.0, seconds=int(PATIENCE_S) + 60)

    assert dark.limit_a(SurplusMode.ONLY, charging_a=18.0, wanting_a=18.0) == 3.0


def test_only_what_has_lasted_is_counted_on() -> None:
    bright = lasting(6.0, until=NOW - 10.0).observe(30.0, NOW - 5.0).settled(NOW - 5.0)

    assert bright.held_a == 6.0
    assert bright.observe(30.0, NOW + FILTER_S).settled(NOW + FILTER_S).held_a == 30.0


def test_a_small_change_of_the_sun_changes_nothing() -> None:
    steady = lasting(12.0)

    assert steady.observe(11.0, NOW).settled(NOW).held_a == 12.0
    assert steady.observe(10.0, NOW).settled(NOW).held_a == 10.0


def test_two_estimates_of_one_second_count_with_the_lower() -> None:
    twice = Surplus().observe(9.0, NOW + 0.1).observe(5.0, NOW + 0.6)

    assert twice.samples == ((int(NOW), 5.0),)


def test_a_meter_that_falls_silent_leaves_no_surplus() -> None:
    forgotten = lasting(30.0).settled(NOW + PATIENCE_S + 1.0)

    assert forgotten == Surplus()
    assert forgotten.next_change(NOW) is None
    assert lasting(30.0).next_change(NOW) is not None


@pytest.mark.parametrize(("voltage_v", "limit_a"), [(None, 13.0), (240.0, 12.0)])
def test_a_power_limit_is_shared_by_the_voltage_that_is_measured(
    voltage_v: float | None, limit_a: float
) -> None:
    yard = site([replace(group(rating_a=32.0), power_limit_w=10_000.0)], [connector("a")])
    what = replace(
        inputs(yard, [("a", paused())]),
        voltages_v={} if voltage_v is None else {"root": voltage_v},
    )

    assert limits(decide(yard, what)) == {"a": limit_a}


def test_what_a_house_takes_is_taken_off_the_power_limit() -> None:
    root = replace(group(rating_a=32.0, metered=True), power_limit_w=10_000.0)
    yard = site([root], [connector("a")])

    result = decide(yard, inputs(yard, [("a", paused())], meters={"root": meter(4.0)}))

    assert limits(result) == {"a": 9.0}
    assert result.reasons[key("a")].group_id == "root"


def test_more_power_than_the_limit_with_nothing_left_to_cut_is_an_overload() -> None:
    root = replace(group(rating_a=32.0, metered=True), power_limit_w=3_000.0)
    yard = site([root], [connector("a")])

    result = decide(yard, inputs(yard, [("a", paused())], meters={"root": meter(9.0)}))

    assert result.groups["root"].overloaded
