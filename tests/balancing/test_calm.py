"""What keeps a charger's memory and a hot fuse from harm: writes that are spared, and pauses."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.budget import DAY_S, Budget
from custom_components.balanz.balancing.control import Result, State
from custom_components.balanz.balancing.inputs import ConnectorInput
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.trip import PAUSE_S
from custom_components.balanz.balancing.tuning import Tuning

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
)

ONE = site([group(rating_a=32.0)], [connector("a")])
METERED = site([group(rating_a=25.0, metered=True)], [connector("a", rating_a=32.0)])
PER_DAY = Tuning().writes_per_day


def written(writes: int, limit_a: float = 8.0, raised_at: float = NOW - 25.0) -> ConnectorInput:
    """A car that could have more, on a charger that has been sent so many limits."""
    return replace(
        known(obeying(limit_a, reading_a=limit_a), draw=drawing(limit_a), raised_at=raised_at),
        writes=writes,
    )


def with_writes_left(left: float) -> State:
    return State(budgets={"a": Budget(left=left, sent=100, at=NOW)})


def test_a_charger_that_was_sent_a_days_writes_is_raised_no_more() -> None:
    result = decide(ONE, inputs(ONE, [("a", written(100))]), with_writes_left(0.5))

    assert limits(result) == {}
    assert result.reasons[key("a")] == Reason(
        rule=Rule.WRITES_SPENT, until=NOW + 0.5 * DAY_S / PER_DAY
    )


def test_a_charger_that_was_sent_a_days_writes_is_still_cut() -> None:
    small = site([group(rating_a=7.0)], [connector("a")])

    result = decide(small, inputs(small, [("a", written(100))]), with_writes_left(0.0))

    assert limits(result) == {"a": 7.0}


def test_a_days_writes_are_given_out_evenly() -> None:
    later = NOW + DAY_S / 2

    result = decide(ONE, inputs(ONE, [("a", written(100))]), with_writes_left(0.0), now=later)

    assert result.state.budgets["a"].left_at(ONE.tuning, later) == PER_DAY / 2


def test_every_limit_that_was_sent_is_counted_once() -> None:
    result = decide(ONE, inputs(ONE, [("a", written(103))]), with_writes_left(50.0))

    assert result.state.budgets["a"] == Budget(left=47.0, sent=103, at=NOW)


def test_raises_are_spaced_further_apart_as_writes_run_out() -> None:
    plenty = decide(ONE, inputs(ONE, [("a", written(100))]), with_writes_left(PER_DAY))
    scarce = decide(ONE, inputs(ONE, [("a", written(100))]), with_writes_left(PER_DAY / 4))

    assert limits(plenty) == {"a": 16.0}
    assert limits(scarce) == {}
    assert scarce.reasons[key("a")] == Reason(rule=Rule.SPACING, until=NOW - 25.0 + 40.0)


@pytest.mark.parametrize(("since_s", "sent"), [(290.0, {}), (310.0, {"a": 11.0})])
def test_one_ampere_more_on_top_of_ten_waits_until_the_limit_would_be_renewed(
    since_s: float, sent: dict[str, float]
) -> None:
    larger = site([group(rating_a=11.0)], [connector("a")])
    car = written(0, limit_a=10.0, raised_at=NOW - since_s)
    car = replace(car, commitment=replace(car.commitment, accepted_at=NOW - since_s))

    assert limits(decide(larger, inputs(larger, [("a", car)]))) == sent


def overloaded(current_a: float, state: State | None = None, now: float = NOW) -> Result:
    what = inputs(METERED, [charging("a", 20.0)], meters={"root": meter(current_a, at=now)})
    return decide(METERED, what, state, now)


def test_an_overload_that_a_breaker_bears_for_minutes_is_cut_to_fit() -> None:
    steady = overloaded(25.0, now=NOW - 3.0).state

    assert limits(overloaded(30.0, steady)) == {"a": 15.0}


def test_twice_the_rating_pauses_at_once() -> None:
    result = overloaded(51.0)

    assert limits(result) == {"a": 0.0}
    assert result.reasons[key("a")] == Reason(
        rule=Rule.OVERLOAD, group_id="root", until=NOW + PAUSE_S
    )


def test_one_and_a_half_times_the_rating_pauses_when_it_is_read_twice() -> None:
    steady = overloaded(25.0, now=NOW - 4.0).state
    first = overloaded(37.0, steady, now=NOW - 2.0)
    again = overloaded(37.0, first.state)

    assert limits(first) == {"a": 8.0}
    assert limits(again) == {"a": 0.0}
    assert again.reasons[key("a")].rule is Rule.OVERLOAD


def test_a_reading_that_was_seen_before_does_not_count_twice() -> None:
    first = overloaded(37.0, now=NOW)

    assert overloaded(37.0, first.state).state.trips == first.state.trips


def test_a_pause_ends_by_itself() -> None:
    hot = overloaded(51.0).state
    later = NOW + PAUSE_S
    paused = known(obeying(0.0, reading_a=0.0, at=later), draw=drawing(0.0, at=later))
    what = inputs(METERED, [("a", paused)], meters={"root": meter(2.0, at=later)})

    assert limits(decide(METERED, what, hot, later - 1.0)) == {}
    assert limits(decide(METERED, what, hot, later + 61.0)) == {"a": 23.0}
