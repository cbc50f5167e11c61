"""How long a sensor may be silent is learnt from how it reports."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.report_rhythm import (
    FEWEST_GAPS_OF_PATIENCE,
    LONGEST_GAP_S,
    SHORTEST_PATIENCE_S,
    UNKNOWN_PATIENCE_S,
    ReportRhythm,
)


def after(*gaps_s: float) -> ReportRhythm:
    """Report once, and again after each of the gaps."""
    rhythm = ReportRhythm()
    for at in accumulate(gaps_s, initial=1000.0):
        rhythm = rhythm.reported(at)
    return rhythm


@pytest.mark.parametrize(
    ("gap_s", "patience_s"), [(1.0, 15.0), (5.0, 15.0), (10.0, 30.0), (30.0, 60.0), (60.0, 90.0)]
)
def test_a_sensor_may_be_silent_for_a_few_of_its_gaps(gap_s: float, patience_s: float) -> None:
    assert after(*[gap_s] * 100).patience_s == patience_s


@pytest.mark.parametrize("gaps_s", [(), (10.0,), (50.0, 50.0), (1.0,) * 30])
def test_a_rhythm_that_is_not_known_yet_is_not_guessed(gaps_s: tuple[float, ...]) -> None:
    assert after(*gaps_s).usual_gap_s is None
    assert after(*gaps_s).patience_s == UNKNOWN_PATIENCE_S


def test_a_burst_of_changes_tells_little_of_the_quiet_after_it() -> None:
    steady_but_for_bursts = after(*([0.2] * 30 + [60.0]) * 6)

    assert steady_but_for_bursts.patience_s == 90.0


def test_one_outage_is_no_rhythm() -> None:
    assert after(*[10.0] * 180, 3600.0, *[10.0] * 30).patience_s == 30.0


def test_a_sensor_that_has_become_slower_is_waited_for_longer() -> None:
    assert after(*[2.0] * 900, *[40.0] * 120).patience_s == 60.0


def test_a_clock_that_was_set_back_tells_no_gap_and_one_that_stands_no_report() -> None:
    rhythm = after(*[10.0] * 20)
    set_back = rhythm.reported(500.0)

    assert set_back.usual_gap_s == rhythm.usual_gap_s
    assert set_back.reported(510.0).gaps == rhythm.gaps + 1
    assert rhythm.reported(1200.0) == rhythm


@given(st.lists(st.floats(0.0, 1e6), max_size=60))
def test_no_sensor_is_waited_for_without_end_or_not_at_all(gaps_s: list[float]) -> None:
    patience_s = after(*gaps_s).patience_s

    assert SHORTEST_PATIENCE_S <= patience_s <= FEWEST_GAPS_OF_PATIENCE * LONGEST_GAP_S
