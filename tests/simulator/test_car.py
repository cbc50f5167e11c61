"""What a car draws from what it is offered."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.car import Car, CarState, advance, contactor_opened, is_asleep, is_full


def drive(car: Car, *offers: tuple[float, float], phases: int = 3) -> CarState:
    """Show the car each offer, A, for so many seconds, in steps of one."""
    state = CarState()
    for offered_a, duration_s in offers:
        for _ in range(int(duration_s)):
            state = advance(car, state, seconds=0, offered_a=offered_a, phases=phases)
            state = advance(car, state, seconds=1, offered_a=offered_a, phases=phases)
    return state


def test_a_car_starts_after_its_lag() -> None:
    car = Car(start_lag_s=3)

    assert drive(car, (16, 2)).currents_a == (0, 0, 0)
    assert drive(car, (16, 3)).currents_a == (16, 16, 16)


def test_a_car_follows_a_changed_offer_after_its_lag() -> None:
    car = Car(reaction_lag_s=4)

    assert drive(car, (16, 10), (8, 3)).current_a == 16
    assert drive(car, (16, 10), (8, 4)).current_a == 8
    assert drive(car, (16, 10), (0, 4)).current_a == 0


def test_an_offer_withdrawn_before_the_start_is_never_followed() -> None:
    car = Car(start_lag_s=5, reaction_lag_s=1)

    assert drive(car, (16, 1), (0, 10)).delivered_wh == 0


def test_less_than_6_a_is_no_offer() -> None:
    assert drive(Car(), (5.9, 20)).current_a == 0


def test_a_car_takes_no_more_than_it_can_or_wants() -> None:
    assert drive(Car(maximum_a=13), (32, 10)).current_a == 13
    assert drive(Car(draws_at_most_a=9), (32, 10)).current_a == 9
    assert drive(Car(draws_at_most_a=9), (7, 10)).current_a == 7
    assert drive(Car(minimum_a=8), (7, 10)).current_a == 0


def test_a_car_uses_its_own_phases_as_far_as_the_charger_has_them() -> None:
    assert drive(Car(phases=1), (16, 10)).currents_a == (16, 0, 0)
    assert drive(Car(phases=2), (16, 10)).currents_a == (16, 16, 0)
    assert drive(Car(phases=3), (16, 10), phases=1).currents_a == (16, 0, 0)


def test_a_sleeping_car_draws_nothing_until_it_wakes() -> None:
    car = Car(asleep=((0, 20), (40, 60)))

    assert is_asleep(car, drive(car, (16, 10)))
    assert drive(car, (16, 15)).current_a == 0
    assert drive(car, (16, 30)).current_a == 16
    assert drive(car, (16, 50)).current_a == 0


def test_a_car_tapers_and_then_is_full() -> None:
    car = Car(needed_wh=100, taper_wh=50)
    state = drive(car, (16, 25))
    assert 6 <= state.current_a < 16

    state = drive(car, (16, 200))
    assert is_full(car, state)
    assert state.current_a == 0
    assert state.delivered_wh == 100


def test_an_open_contactor_lets_nothing_through() -> None:
    state = contactor_opened(drive(Car(), (16, 10)))

    assert state.currents_a == (0, 0, 0)
    assert state.delivered_wh > 0


@given(
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 12)), max_size=6),
    st.integers(1, 3),
    st.integers(0, 5),
)
def test_a_car_never_draws_more_than_the_highest_offer_of_its_reaction_time(
    offers: list[tuple[float, int]], phases: int, reaction_lag_s: int
) -> None:
    car = Car(phases=phases, maximum_a=32, reaction_lag_s=reaction_lag_s, start_lag_s=3)
    state, shown = CarState(), [0.0] * 6
    for offered_a, duration_s in offers:
        for _ in range(duration_s):
            shown.append(offered_a)
            state = advance(car, state, seconds=1, offered_a=offered_a, phases=3)
            assert state.current_a <= max(shown[-6:])
            assert state.current_a == 0 or state.current_a >= car.minimum_a
            assert state.lines in (0, phases)
