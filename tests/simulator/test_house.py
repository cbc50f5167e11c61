"""What flows at the grid connection of the simulated house."""

from dataclasses import dataclass

from simulator.house import House, Wire, constant, daily, steps, sunshine


@dataclass
class Charger:
    currents_a: tuple[float, float, float]


def test_the_grid_carries_base_load_and_chargers_less_the_sun() -> None:
    house = House(
        base=(constant(5), constant(3), constant(1)),
        solar=constant(2),
        wires=[Wire(charger=Charger((10, 10, 10)))],
    )

    assert house.grid_currents_a(0) == (13, 11, 9)
    assert house.grid_powers_w(0) == (2990, 2530, 2070)


def test_export_is_negative() -> None:
    house = House(base=(constant(1),) * 3, solar=constant(4))

    assert house.grid_currents_a(0) == (-3, -3, -3)


def test_a_charger_may_be_wired_to_any_phases() -> None:
    house = House(
        base=(constant(0),) * 3,
        wires=[
            Wire(charger=Charger((32, 0, 0)), phases=(1, 2, 0)),
            Wire(charger=Charger((6, 7, 8)), phases=(2, 0, 1)),
        ],
    )

    assert house.grid_currents_a(0) == (7, 40, 6)


def test_a_load_may_change_in_steps() -> None:
    load = steps((10, 5), (20, 2), before_a=1)

    assert [load(second) for second in (0, 10, 19, 20, 99)] == [1, 5, 5, 2, 2]


def test_a_days_load_peaks_in_the_evening_and_repeats_with_its_seed() -> None:
    load = daily(base_a=1, peak_a=11)
    evening_s, night_s = 7 * 3600, 15 * 3600
    assert load(evening_s) == 11
    assert load(night_s) < 1.1

    noisy = [daily(base_a=5, peak_a=5, noise_a=1, seed=seed) for seed in (1, 1, 2)]
    one, same, other = ([it(minute * 60) for minute in range(20)] for it in noisy)
    assert one == same != other
    assert all(4 <= current_a <= 6 for current_a in one)


def test_the_sun_shines_by_day() -> None:
    sun = sunshine(peak_a=12)

    assert sun(0) == 12
    assert 0 < sun(5 * 3600) < 12
    assert sun(12 * 3600) == 0


def test_a_load_can_be_replaced_while_the_house_runs() -> None:
    house = House(base=(constant(1),) * 3)
    house.base = (constant(20), constant(1), constant(1))

    assert house.grid_currents_a(0) == (20, 1, 1)
