"""Watts are those of the lines that a car is seen to use."""

import pytest

from custom_components.balanz.balancing.phase_use import LEARNT_AFTER_S
from custom_components.balanz.site.lines_in_use import LinesInUse


def seen(*readings: tuple[float, tuple[float, ...]]) -> int:
    lines = LinesInUse()
    for at, currents_a in readings:
        lines = lines.took(currents_a, at)
    return lines.count


@pytest.mark.parametrize(
    ("currents_a", "count"),
    [
        ((16.0, 16.0, 16.0), 3),
        ((15.8, 16.1, 15.9), 3),
        ((16.0, 16.0, 0.0), 2),
        ((16.0, 2.0, 2.0), 1),
        ((16.0, 0.0, 0.0), 1),
        ((0.2, 0.2, 0.2), 1),
    ],
)
def test_lines_count_once_they_have_shared_the_current_for_a_while(
    currents_a: tuple[float, ...], count: int
) -> None:
    assert seen((10.0, currents_a)) == 1
    assert seen((10.0, currents_a), (10.0 + LEARNT_AFTER_S, currents_a)) == count


def test_fewer_lines_count_at_once() -> None:
    three, one = (16.0, 16.0, 16.0), (16.0, 0.0, 0.0)
    learnt = ((10.0, three), (80.0, three))
    assert seen(*learnt, (90.0, one)) == 1
    assert seen(*learnt, (90.0, one), (100.0, three), (110.0, three)) == 1


def test_a_pause_tells_nothing_of_the_lines() -> None:
    three, none = (16.0, 16.0, 16.0), (0.0, 0.0, 0.0)
    assert seen((10.0, three), (80.0, three), (90.0, none)) == 3
