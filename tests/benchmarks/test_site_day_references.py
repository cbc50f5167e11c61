"""What the controllers are held against: the ideal without delays, and the optimum."""

import pytest

from benchmarks.site_days.ideal import IdealCar, admitted, filled, run_ideal
from benchmarks.site_days.optimum import optimal_energy_wh

from .days import ONE_PHASE, day, stay, steady

ALL = (0, 1, 2)
WH_PER_A_AND_HOUR = 3 * 230.0


def ideal_car(number: int, nodes: tuple[int, ...] = ALL, *, served_as: float = 0.0) -> IdealCar:
    one = IdealCar(stay(number), nodes)
    one.served_as = served_as
    return one


def test_the_ideal_shares_a_fuse_evenly_among_cars_alike() -> None:
    cars = [ideal_car(number) for number in range(3)]

    shares = filled(cars, [30.0, 30.0, 30.0])

    assert [shares[id(car)] for car in cars] == [10.0, 10.0, 10.0]


def test_the_ideal_hands_what_one_phase_has_left_to_who_can_use_it() -> None:
    cars = [ideal_car(0), ideal_car(1, (0,))]

    shares = filled(cars, [17.0, 10.0, 10.0])

    assert [shares[id(car)] for car in cars] == [8.0, 9.0]


def test_the_least_served_car_charges_first_where_not_all_fit() -> None:
    cars = [ideal_car(0, served_as=500.0), ideal_car(1, served_as=100.0)]

    assert admitted(cars, [11.0] * 3, now=0) == [cars[1]]


def test_nobody_passes_the_first_in_line_on_a_phase_that_it_needs() -> None:
    charging = ideal_car(0, (0,), served_as=10.0)
    charging.placed_at = 0
    first = ideal_car(1, served_as=20.0)
    behind = ideal_car(2, (1,), served_as=30.0)

    assert admitted([charging, first, behind], [11.0] * 3, now=60) == [charging]


def test_a_turn_ends_after_half_an_hour() -> None:
    one, other = ideal_car(0, served_as=100.0), ideal_car(1, served_as=50.0)
    one.placed_at = 0

    assert admitted([one, other], [6.0] * 3, now=1799) == [one]
    assert admitted([one, other], [6.0] * 3, now=1800) == [other]


def test_a_turn_is_short_while_somebody_waits_who_has_had_nothing() -> None:
    one, newcomer = ideal_car(0, served_as=100.0), ideal_car(1)
    one.placed_at = 0

    assert admitted([one, newcomer], [6.0] * 3, now=299) == [one]
    assert admitted([one, newcomer], [6.0] * 3, now=300) == [newcomer]


def test_the_ideal_gives_one_car_all_that_the_house_leaves_in_whole_amperes() -> None:
    alone = day(stay(arrives_s=0, leaves_s=3600), house=steady((4.5, 15.2, 0.0)))

    assert run_ideal(alone).energy_wh == pytest.approx(9 * WH_PER_A_AND_HOUR)


def test_a_margin_costs_the_ideal_an_ampere_and_a_peak_counts_for_as_long_as_it_is_held() -> None:
    house = [(15.0, 0.0, 0.0), *steady((5.0, 0.0, 0.0))][:480]
    alone = day(stay(arrives_s=0, leaves_s=3600), house=house)

    held = run_ideal(alone, margin_a=12.0, hold_s=1800)

    # Half an hour beside the peak leaves 25 - 15 - 12 A, too little; then there are 8 A.
    assert held.energy_wh == pytest.approx(8 / 2 * WH_PER_A_AND_HOUR, rel=0.01)


def test_the_optimum_uses_the_fraction_of_an_ampere_too() -> None:
    alone = day(stay(arrives_s=0, leaves_s=3600), house=steady((4.5, 15.2, 0.0)))

    assert optimal_energy_wh(alone) == pytest.approx(9.8 * WH_PER_A_AND_HOUR)


def test_the_optimum_knows_that_a_car_will_come_and_charges_the_other_first() -> None:
    # Both could take 16 A; the second has but the second hour, which it then has for itself.
    both = day(
        stay(0, arrives_s=0, leaves_s=7200, energy_wh=10 * WH_PER_A_AND_HOUR),
        stay(1, arrives_s=3600, leaves_s=7200, energy_wh=10 * WH_PER_A_AND_HOUR),
        main_a=12.0,
    )

    assert optimal_energy_wh(both) == pytest.approx(20 * WH_PER_A_AND_HOUR, rel=0.02)


def test_the_optimum_keeps_the_limit_of_a_group() -> None:
    cars = [stay(number, arrives_s=0, leaves_s=3600, kind=ONE_PHASE) for number in (0, 3)]
    grouped = day(*cars, main_a=63.0, chargers=6, group_count=1, group_a=20.0)

    assert optimal_energy_wh(grouped) == pytest.approx(20 * 230.0)


def test_no_controller_within_the_limits_can_beat_the_optimum() -> None:
    cars = [stay(n, arrives_s=600 * n, leaves_s=7200 - 300 * n, energy_wh=9000) for n in range(4)]
    scarce = day(*cars, chargers=4, house=steady((6.0, 3.0, 9.0)))

    assert run_ideal(scarce).energy_wh <= optimal_energy_wh(scarce) + 0.001


def test_nobody_there_needs_nothing() -> None:
    assert optimal_energy_wh(day()) == 0.0
