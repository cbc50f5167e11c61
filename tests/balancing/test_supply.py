"""The base load, told from a group's meter."""

from custom_components.balanz.balancing.phases import ZERO, PhaseCurrents
from custom_components.balanz.balancing.supply import (
    CALM_A,
    FIRST_HOLD_S,
    PEAK_HOLD_S,
    BaseLoad,
    DrawInterval,
    available,
    may_draw,
)

from .build import meter


def exactly(current_a: float) -> DrawInterval:
    return between(current_a, current_a)


def between(least_a: float, most_a: float) -> DrawInterval:
    return DrawInterval(least=PhaseCurrents.uniform(least_a), most=PhaseCurrents.uniform(most_a))


def bounds(least_a: float, most_a: float) -> tuple[PhaseCurrents, PhaseCurrents]:
    return PhaseCurrents.uniform(least_a), PhaseCurrents.uniform(most_a)


def seen(*currents_a: float, draws: DrawInterval | None = None, since: float = 0.0) -> BaseLoad:
    """Observe one reading each second."""
    base_load = BaseLoad()
    for second, current_a in enumerate(currents_a):
        at = since + second
        base_load = base_load.observe(meter(current_a, at=at), [draws or exactly(0.0)]).settled(at)
    return base_load


def test_before_the_first_reading_the_base_load_is_unknown() -> None:
    assert BaseLoad().peak(0.0) is None
    assert BaseLoad().next_change(0.0) is None
    assert BaseLoad().settled(0.0) == BaseLoad()


def test_the_base_load_is_what_the_chargers_do_not_draw() -> None:
    assert seen(20.0, draws=exactly(16.0)).latest == PhaseCurrents.uniform(4.0)


def test_export_is_not_headroom() -> None:
    assert seen(-10.0).latest == ZERO


def test_export_is_charged_with_the_charger_that_it_feeds_only_down_to_nothing() -> None:
    assert seen(2.0, draws=exactly(10.0)).latest == ZERO


def test_a_car_of_unknown_draw_leaves_the_estimate_as_long_as_it_explains_the_meter() -> None:
    quiet = seen(4.0)
    car_takes_all = quiet.observe(meter(20.0, at=1.0), [between(0.0, 16.0)])
    house_rises = quiet.observe(meter(23.0, at=1.0), [between(0.0, 16.0)])
    house_falls = quiet.observe(meter(3.0, at=1.0), [between(0.0, 16.0)])

    assert car_takes_all.latest == PhaseCurrents.uniform(4.0)
    assert house_rises.latest == PhaseCurrents.uniform(7.0)
    assert house_falls.latest == PhaseCurrents.uniform(3.0)


def test_a_rise_counts_at_once_and_a_fall_after_a_minute() -> None:
    base_load = seen(2.0, 12.0, 2.0)

    assert base_load.held == PhaseCurrents.uniform(12.0)
    ends_at = base_load.next_change(2.0)
    assert ends_at == 2.0 + FIRST_HOLD_S
    assert base_load.settled(ends_at - 0.1).held == PhaseCurrents.uniform(12.0)
    assert base_load.settled(ends_at).held == PhaseCurrents.uniform(2.0)


def test_the_first_of_several_peaks_to_end_is_told() -> None:
    base_load = seen(20.0, 2.0, 12.0, 2.0)

    assert base_load.next_change(3.0) == 1.0 + FIRST_HOLD_S
    assert base_load.next_change(1.0 + FIRST_HOLD_S) == 3.0 + FIRST_HOLD_S


def test_the_largest_of_several_readings_in_a_second_counts() -> None:
    base_load = BaseLoad()
    for at, current_a in ((5.1, 3.0), (5.4, 9.0), (5.8, 4.0)):
        base_load = base_load.observe(meter(current_a, at=at), [])

    assert base_load.peak(5.8) == PhaseCurrents.uniform(9.0)


def test_a_fall_too_small_to_matter_lets_nothing_rise() -> None:
    base_load = seen(5.0, 5.0 - CALM_A / 2)
    later = base_load.settled(5.0 + PEAK_HOLD_S)

    assert later.held == PhaseCurrents.uniform(5.0)
    assert later.observe(meter(5.1, at=70.0), []).settled(70.0).held == PhaseCurrents.uniform(5.1)


def test_a_car_may_have_fallen_to_its_limit_already() -> None:
    draw = may_draw(
        reading=exactly(16.0),
        before=None,
        commanded=PhaseCurrents.uniform(6.0),
        followed=None,
        rising_to=None,
    )

    assert (draw.least, draw.most) == bounds(6.0, 16.0)


def test_a_car_may_have_risen_to_its_limit_already() -> None:
    draw = may_draw(
        reading=exactly(6.0),
        before=None,
        commanded=PhaseCurrents.uniform(16.0),
        followed=None,
        rising_to=PhaseCurrents.uniform(16.0),
    )

    assert (draw.least, draw.most) == bounds(6.0, 16.0)
    assert draw.unrisen == PhaseCurrents.uniform(6.0)


def test_the_groups_meter_may_still_show_what_a_car_drew_a_moment_ago() -> None:
    draw = may_draw(
        reading=exactly(10.0),
        before=exactly(4.0),
        commanded=PhaseCurrents.uniform(16.0),
        followed=None,
        rising_to=None,
    )

    assert (draw.least, draw.most) == bounds(4.0, 10.0)


def test_a_car_that_had_time_to_obey_hides_no_rise_of_the_house() -> None:
    draw = may_draw(
        reading=exactly(16.0),
        before=None,
        commanded=PhaseCurrents.uniform(6.0),
        followed=PhaseCurrents.uniform(7.0),
        rising_to=None,
    )

    assert (draw.least, draw.most) == bounds(6.0, 7.0)


def test_what_is_left_is_the_capacity_less_base_load_less_margin() -> None:
    assert available(25.0, PhaseCurrents(l1=4.0, l2=30.0), 1.0) == PhaseCurrents(
        l1=20.0, l2=-6.0, l3=24.0
    )


def rising(reading_a: float, to_a: float) -> DrawInterval:
    return may_draw(
        reading=exactly(reading_a),
        before=None,
        commanded=PhaseCurrents.uniform(to_a),
        followed=None,
        rising_to=PhaseCurrents.uniform(to_a),
    )


def test_a_rise_that_a_raised_car_explains_is_the_cars() -> None:
    steady = BaseLoad().observe(meter(19.0, at=0.0), [exactly(9.0)])

    after = steady.observe(
        meter(26.0, at=2.0), [rising(9.0, 18.0)], limit=PhaseCurrents.uniform(30.0)
    )

    assert after.latest == PhaseCurrents.uniform(10.0)


def test_above_the_limit_a_rise_is_not_explained_by_raised_cars_alone() -> None:
    # Raises fit beside the base load, so that the house must have risen too.
    steady = BaseLoad().observe(meter(19.0, at=0.0), [exactly(9.0)])

    after = steady.observe(
        meter(33.0, at=2.0), [rising(9.0, 18.0)], limit=PhaseCurrents.uniform(30.0)
    )

    assert after.latest == PhaseCurrents.uniform(24.0)


def test_once_a_meter_has_told_for_a_while_a_peak_is_held_longer() -> None:
    old = BaseLoad().observe(meter(2.0, at=0.0), [])

    base_load = old.observe(meter(9.0, at=500.0), []).observe(meter(2.0, at=502.0), [])

    assert base_load.settled(501.0 + FIRST_HOLD_S).held == PhaseCurrents.uniform(9.0)
    assert base_load.next_change(502.0) == 501.0 + PEAK_HOLD_S
    assert base_load.settled(501.0 + PEAK_HOLD_S).held == PhaseCurrents.uniform(2.0)
