"""The benchmark's cars: which one somebody drives, and how it follows."""

import pytest

from benchmarks.site_days.cars import KINDS, TAPER_WH, Battery, Car, kind_of
from benchmarks.site_days.days import Stay
from benchmarks.site_days.phases import phases_used

from .days import ONE_PHASE, THREE_PHASES, stay


def car(energy_wh: float = 50_000.0, *, reaction_s: float = 2.0, wake_s: float = 5.0) -> Car:
    return Car(Battery(THREE_PHASES, energy_wh), reaction_s=reaction_s, wake_s=wake_s)


def currents(car: Car, seconds: range) -> list[float]:
    drawn = []
    for second in seconds:
        car.second(second)
        drawn.append(car.current_a)
    return drawn


def test_a_driver_always_comes_with_the_same_car() -> None:
    assert kind_of("somebody", 1000.0, 36_000) == kind_of("somebody", 2000.0, 36_000)


def test_a_car_is_large_enough_for_what_was_charged_if_any_is() -> None:
    drivers = [f"driver {number}" for number in range(50)]

    kinds = {kind_of(driver, 9000.0, 3600) for driver in drivers}

    assert kinds <= {KINDS[3], KINDS[4]}
    assert {kind_of(driver, 90_000.0, 3600) for driver in drivers} == {KINDS[4]}


def test_a_car_begins_once_it_has_woken_up_and_rises_gently() -> None:
    one = car(reaction_s=2.0, wake_s=5.0)
    one.offered(10.0, 100.0)

    assert currents(one, range(101, 112)) == [0, 0, 0, 0, 0, 0, 4, 8, 10, 10, 10]


def test_a_car_follows_a_cut_after_its_reaction_at_once() -> None:
    one = car(reaction_s=3.0, wake_s=0.0)
    one.offered(16.0, 0.0)
    currents(one, range(1, 20))
    one.offered(6.0, 20.0)

    assert currents(one, range(20, 25)) == [16, 16, 16, 6, 6]


def test_a_car_draws_nothing_below_6_a() -> None:
    one = car(wake_s=0.0)
    one.offered(5.9, 0.0)

    assert currents(one, range(1, 10)) == [0.0] * 9


def test_the_last_kilowatt_hour_goes_slowly_and_then_nothing() -> None:
    battery = Battery(THREE_PHASES, TAPER_WH)
    assert battery.maximum_a == 16.0

    battery.take(16.0, 3600 * TAPER_WH / 2 / (16 * 3 * 230))
    assert battery.maximum_a == pytest.approx(16 * 0.54)

    battery.take(16.0, 3600.0)
    assert (battery.maximum_a, battery.left_wh) == (0.0, 0.0)


def test_a_car_of_one_phase_loads_the_one_that_its_charger_begins_with() -> None:
    def phases(one: Stay) -> tuple[int, ...]:
        return one.phases

    assert phases(stay(4, kind=ONE_PHASE)) == (1,)
    assert phases(stay(4)) == phases_used(4, 3) == (1, 2, 0)
