"""What cuts that were followed tell of how long the next one will take."""

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import LAG_S, Commitment
from custom_components.balanz.balancing.lag import (
    CUTS_KEPT,
    ENOUGH_CUTS,
    LEAST_S,
    LONGEST_S,
    MARGIN_S,
    MOST_S,
    LearntLag,
)

from .build import NOW, connector, obeying

A = connector("A")


def cut_to(limit_a: float, *, from_a: float = 16.0) -> Commitment:
    """A charger that drew 16 A accepts a lower limit now."""
    before = obeying(from_a, reading_a=from_a)
    return before.sent(limit_a, NOW).accepted(NOW, A)


def lag_after(commitment: Commitment, current_a: float, at: float) -> LearntLag:
    return LearntLag().measured(commitment, commitment.measured(current_a, at), at)


def test_a_lag_is_the_time_from_the_acceptance_to_the_first_reading_that_obeys() -> None:
    assert lag_after(cut_to(8.0), 8.0, NOW + 7.0).cuts_s == (7.0,)


def test_a_current_that_has_not_fallen_yet_teaches_nothing() -> None:
    assert lag_after(cut_to(8.0), 12.0, NOW + 7.0) == LearntLag()


def test_a_car_that_drew_less_than_the_new_limit_teaches_nothing() -> None:
    idle = obeying(16.0, reading_a=4.0).sent(8.0, NOW).accepted(NOW, A)
    assert lag_after(idle, 4.0, NOW + LAG_S + 1.0) == LearntLag()


def test_a_fall_that_comes_much_later_has_another_cause() -> None:
    assert lag_after(cut_to(8.0), 8.0, NOW + LONGEST_S + 1.0) == LearntLag()


def test_a_reading_without_a_cut_teaches_nothing() -> None:
    assert lag_after(obeying(16.0, reading_a=16.0), 8.0, NOW) == LearntLag()


def test_that_it_was_fast_counts_only_once_it_was_so_often() -> None:
    assert LearntLag().lag_s == LAG_S
    assert LearntLag(cuts_s=(3.0,) * (ENOUGH_CUTS - 1)).lag_s == LAG_S
    assert LearntLag(cuts_s=(3.0,) * ENOUGH_CUTS).lag_s == LEAST_S
    assert LearntLag(cuts_s=(10.0,) * ENOUGH_CUTS).lag_s == 10.0 + MARGIN_S


def test_that_it_was_slow_once_counts_at_once() -> None:
    assert LearntLag(cuts_s=(40.0,)).lag_s == 40.0 + MARGIN_S
    assert LearntLag(cuts_s=(3.0,) * 10 + (40.0,)).lag_s == 40.0 + MARGIN_S


@given(cuts_s=st.lists(st.floats(0.0, LONGEST_S), max_size=CUTS_KEPT))
def test_no_lag_is_shorter_than_one_that_was_seen_or_longer_than_can_be_lived_with(
    cuts_s: list[float],
) -> None:
    lag_s = LearntLag(cuts_s=tuple(cuts_s)).lag_s
    assert LEAST_S <= lag_s <= MOST_S
    assert lag_s >= min(max(cuts_s, default=LAG_S), MOST_S)


def test_only_the_last_cuts_count() -> None:
    lag = LearntLag(cuts_s=(50.0,) * CUTS_KEPT)
    cut = cut_to(8.0)
    lag = lag.measured(cut, cut.measured(8.0, NOW + 7.0), NOW + 7.0)
    assert len(lag.cuts_s) == CUTS_KEPT
    assert lag.cuts_s[-1] == 7.0


@given(cuts_s=st.lists(st.floats(0.0, LONGEST_S), min_size=1, max_size=CUTS_KEPT))
def test_the_share_of_cuts_that_a_quantile_names_was_followed_by_then(cuts_s: list[float]) -> None:
    lag = LearntLag(cuts_s=tuple(cuts_s))
    for share in (0.5, 0.95, 1.0):
        within_s = lag.quantile_s(share)
        assert within_s in cuts_s
        assert sum(took_s <= within_s for took_s in cuts_s) >= share * len(cuts_s)
