"""What a car can use, learnt from what it takes."""

from custom_components.balanz.balancing.demand import WINDOW_S, Appetite, Idleness

from .build import connector

CHARGER = connector("a", rating_a=32.0)


def taking(current_a: float, *, offer_a: float = 16.0, seconds: int = 70) -> Appetite:
    """A car that was offered current and read each ten seconds."""
    return read(Appetite().offered(offer_a, 0.0), current_a, 0, seconds)


def read(appetite: Appetite, current_a: float, since: int, seconds: int) -> Appetite:
    for now in range(since + 10, since + seconds + 1, 10):
        appetite = appetite.took(current_a, 6.0, float(now))
    return appetite


def test_a_new_car_may_want_all_that_it_is_allowed() -> None:
    assert Appetite().demand_a(CHARGER, 20.0) == 20.0


def test_a_car_that_leaves_current_unused_for_a_minute_is_thought_to_want_little_more() -> None:
    assert taking(9.0, seconds=50).demand_a(CHARGER, 16.0) == 16.0
    assert taking(9.0).demand_a(CHARGER, 16.0) == 10.0


def test_a_car_that_stays_a_little_below_its_limit_wants_it_all() -> None:
    assert taking(15.0).demand_a(CHARGER, 32.0) == 32.0


def test_a_car_that_uses_all_of_a_learnt_offer_is_offered_more() -> None:
    learnt = taking(9.0).offered(10.0, 80.0)

    assert learnt.took(10.0, 6.0, 90.0).demand_a(CHARGER, 32.0) == 13.0


def test_a_car_that_takes_nothing_for_a_minute_sleeps_and_keeps_its_minimum() -> None:
    asleep = taking(0.0)

    assert asleep.idleness() is Idleness.DELAYED
    assert asleep.demand_a(CHARGER, 16.0) == 6.0


def test_a_sleeping_car_wakes_by_drawing_current() -> None:
    awake = taking(0.0).took(6.0, 6.0, 100.0)

    assert awake.idleness() is None
    assert awake.demand_a(CHARGER, 16.0) == 16.0


def test_a_car_is_not_asleep_while_nothing_is_offered() -> None:
    paused = taking(0.0, offer_a=0.0, seconds=300)

    assert paused.idleness() is None
    assert paused.next_change(6.0, 300.0) is None


def test_a_new_offer_starts_a_new_window() -> None:
    appetite = taking(9.0, seconds=50).offered(12.0, 50.0)

    assert appetite.next_change(6.0, 50.0) == 50.0 + WINDOW_S
    assert appetite.offered(12.0, 55.0) == appetite
    assert read(appetite, 9.0, 50, 50).demand_a(CHARGER, 16.0) == 16.0


def test_demand_is_never_below_the_minimum_nor_above_the_maximum() -> None:
    assert taking(2.0).demand_a(CHARGER, 16.0) == 6.0
    assert taking(9.0).demand_a(CHARGER, 8.0) == 8.0
