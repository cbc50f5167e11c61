"""What a base load has been at its worst."""

from custom_components.balanz.balancing.base_load_memory import (
    KEPT_EACH_WEEK,
    RECENT_MIN,
    SEEN_FROM_MIN,
    BaseLoadMemory,
)
from custom_components.balanz.balancing.phases import PhaseCurrents

MONDAY_8, MONDAY_9, SUNDAY_23 = 8, 9, 167


def amperes(current_a: float) -> PhaseCurrents:
    return PhaseCurrents.uniform(current_a)


def seen(
    *hours: tuple[int, float], minutes: int = 60, memory: BaseLoadMemory | None = None
) -> BaseLoadMemory:
    """Live through hours, each with a steady load."""
    known = BaseLoadMemory() if memory is None else memory
    at = known.minutes[-1][0] * 60.0 + 60.0 if known.minutes else 0.0
    for hour, current_a in hours:
        for _ in range(minutes):
            known = known.observe(amperes(current_a), at, hour)
            at += 60.0
    return known


def test_nothing_is_known_before_anything_was_seen() -> None:
    assert BaseLoadMemory().recent() is None
    assert BaseLoadMemory().of_hour(MONDAY_8) is None


def test_the_worst_of_the_last_minutes_is_told_phase_by_phase() -> None:
    memory = BaseLoadMemory()
    for at, currents in (
        (0.0, PhaseCurrents(l1=9.0)),
        (1.0, PhaseCurrents(l2=7.0)),
        (600.0, amperes(2.0)),
    ):
        memory = memory.observe(currents, at, MONDAY_8)

    assert memory.recent() == PhaseCurrents(l1=9.0, l2=7.0, l3=2.0)
    later = memory.observe(amperes(2.0), (RECENT_MIN + 1) * 60.0, MONDAY_8)
    assert later.recent() == amperes(2.0)


def test_an_hour_of_the_week_is_remembered_by_its_worst() -> None:
    memory = seen((MONDAY_8, 12.0), (MONDAY_9, 3.0))

    assert memory.of_hour(MONDAY_8) == amperes(12.0)
    assert memory.hours == {MONDAY_8: amperes(12.0)}


def test_what_the_present_hour_has_shown_counts_beside_what_it_was_before() -> None:
    before = BaseLoadMemory(hours={MONDAY_8: amperes(5.0), MONDAY_9: amperes(20.0)})

    assert seen((MONDAY_8, 9.0), memory=before).of_hour(MONDAY_8) == amperes(9.0)
    assert seen((MONDAY_8, 4.0), memory=before).of_hour(MONDAY_8) == amperes(5.0)


def test_an_hour_never_seen_may_be_as_bad_as_the_worst() -> None:
    memory = seen((MONDAY_8, 12.0), (MONDAY_9, 3.0))

    assert memory.of_hour(SUNDAY_23) == amperes(12.0)
    assert memory.of_hour(MONDAY_9) == amperes(12.0)
    assert seen((MONDAY_8, 12.0)).of_hour(SUNDAY_23) == amperes(12.0)


def test_a_week_with_less_lowers_the_worst_a_little() -> None:
    week_before = BaseLoadMemory(hours={MONDAY_8: amperes(10.0)})

    memory = seen((MONDAY_8, 2.0), (MONDAY_9, 2.0), memory=week_before)

    assert memory.of_hour(MONDAY_8) == amperes(10.0 * KEPT_EACH_WEEK)


def test_a_week_with_more_counts_at_once() -> None:
    week_before = BaseLoadMemory(hours={MONDAY_8: amperes(10.0)})

    memory = seen((MONDAY_8, 11.0), (MONDAY_9, 2.0), memory=week_before)

    assert memory.of_hour(MONDAY_8) == amperes(11.0)


def test_an_hour_that_was_hardly_seen_lowers_nothing_and_is_not_taken_for_a_quiet_one() -> None:
    week_before = BaseLoadMemory(hours={MONDAY_8: amperes(10.0)})
    few = SEEN_FROM_MIN - 1

    known = seen((MONDAY_8, 2.0), (MONDAY_9, 2.0), minutes=few, memory=week_before)
    unknown = seen((MONDAY_9, 2.0), (SUNDAY_23, 2.0), minutes=few, memory=week_before)

    assert known.of_hour(MONDAY_8) == amperes(10.0)
    assert MONDAY_9 not in unknown.hours
    assert unknown.of_hour(MONDAY_9) == amperes(10.0)
