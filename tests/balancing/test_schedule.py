"""What a schedule asks for, by the clock on the site's wall."""

from datetime import UTC, date, datetime, time, timedelta
from math import inf, nan
from zoneinfo import ZoneInfo

import pytest

from custom_components.balanz.balancing.schedule import (
    Band,
    PriorityCap,
    Schedule,
    ScheduleError,
    ScheduleState,
)
from custom_components.balanz.balancing.schedule_text import parse_schedule

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY = date(2026, 1, 12)
FRIDAY = date(2026, 1, 16)
SATURDAY = date(2026, 1, 17)
SUNDAY = date(2026, 1, 18)
CLOCK_PUT_ON = date(2026, 3, 29)
CLOCK_PUT_BACK = date(2026, 10, 25)


def local(day: date, clock: str, *, fold: int = 0) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), AMSTERDAM).replace(fold=fold)


def capacity_a(
    text: str, day: date, clock: str, *, fold: int = 0, holidays: frozenset[date] = frozenset()
) -> float | None:
    """Return what a schedule allows at a local time; None in a gap."""
    state = parse_schedule(text).at(local(day, clock, fold=fold), AMSTERDAM, holidays)
    return None if state is None else state.capacity_a


def next_change(
    text: str, day: date, clock: str, *, holidays: frozenset[date] = frozenset()
) -> datetime | None:
    return parse_schedule(text).next_change(local(day, clock), AMSTERDAM, holidays)


def test_a_band_holds_from_its_first_minute_to_the_end_of_its_last() -> None:
    text = "06:00-16:59>0=16"

    assert capacity_a(text, MONDAY, "05:59:59") is None
    assert capacity_a(text, MONDAY, "06:00:00") == 16
    assert capacity_a(text, MONDAY, "16:59:59") == 16
    assert capacity_a(text, MONDAY, "17:00:00") is None


def test_a_band_that_ends_a_minute_before_the_next_begins_leaves_no_gap() -> None:
    text = "00:00-05:59>0=48; 06:00-23:59>0=16"

    assert capacity_a(text, MONDAY, "05:59:59.999999") == 48
    assert capacity_a(text, MONDAY, "06:00:00") == 16
    assert capacity_a(text, MONDAY, "23:59:59.999999") == 16


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    text = "Fr 22:00-05:59>0=32"

    assert capacity_a(text, FRIDAY, "05:00") is None
    assert capacity_a(text, FRIDAY, "22:00") == 32
    assert capacity_a(text, SATURDAY, "05:59") == 32
    assert capacity_a(text, SATURDAY, "06:00") is None
    assert capacity_a(text, SATURDAY, "22:00") is None


def test_a_day_may_last_from_a_morning_to_the_next() -> None:
    text = "Sa 07:00-06:59>0=32"

    assert capacity_a(text, SATURDAY, "06:59") is None
    assert capacity_a(text, SATURDAY, "07:00") == 32
    assert capacity_a(text, SUNDAY, "06:59") == 32
    assert capacity_a(text, SUNDAY, "07:00") is None


def test_a_band_for_certain_days_overrules_an_earlier_one_for_all_days() -> None:
    text = "00:00-24:00>0=48; Sa 08:00-17:59>0=10"

    assert capacity_a(text, FRIDAY, "12:00") == 48
    assert capacity_a(text, SATURDAY, "12:00") == 10
    assert capacity_a(text, SATURDAY, "18:00") == 48


def test_a_holiday_is_not_a_weekday() -> None:
    text = "Mo-Su 08:00-17:59>0=16; PH 08:00-17:59>0=48; 20:00-20:59>0=8"
    holidays = frozenset({MONDAY})

    assert capacity_a(text, MONDAY, "12:00") == 16
    assert capacity_a(text, MONDAY, "12:00", holidays=holidays) == 48
    assert capacity_a(text, MONDAY, "20:30", holidays=holidays) == 8


def test_the_night_after_a_holiday_still_belongs_to_it() -> None:
    text = "PH 22:00-05:59>0=32"
    holidays = frozenset({FRIDAY})

    assert capacity_a(text, SATURDAY, "03:00", holidays=holidays) == 32
    assert capacity_a(text, FRIDAY, "03:00", holidays=holidays) is None


def test_a_priority_band_limits_all_lower_priorities_together() -> None:
    schedule = parse_schedule("00:00-24:00>0=24:3=40:5=48")

    assert schedule.at(local(MONDAY, "12:00"), AMSTERDAM) == ScheduleState(
        capacity_a=48,
        priority_caps=(
            PriorityCap(below_priority=3, capacity_a=24),
            PriorityCap(below_priority=5, capacity_a=40),
        ),
    )


def test_the_zone_of_the_instant_does_not_matter() -> None:
    schedule = parse_schedule("06:00-16:59>0=16")

    assert schedule.at(datetime(2026, 1, 12, 5, 0, tzinfo=UTC), AMSTERDAM) is not None
    assert schedule.at(datetime(2026, 1, 12, 16, 0, tzinfo=UTC), AMSTERDAM) is None


def test_an_instant_without_a_zone_is_refused() -> None:
    nowhere = datetime(2026, 1, 12, 12, 0)  # noqa: DTZ001  # The very thing that is refused.
    schedule = parse_schedule("06:00-16:59>0=16")

    with pytest.raises(ValueError, match="no time zone"):
        schedule.at(nowhere, AMSTERDAM)
    with pytest.raises(ValueError, match="no time zone"):
        schedule.next_change(nowhere, AMSTERDAM)


def test_a_band_within_the_hour_that_is_skipped_does_not_occur() -> None:
    text = "02:30-02:44>0=16"
    change = next_change(text, CLOCK_PUT_ON, "00:30")

    assert change == local(CLOCK_PUT_ON + timedelta(days=1), "02:30")


def test_a_band_that_starts_in_the_hour_that_is_skipped_starts_when_the_clock_is_put_on() -> None:
    text = "02:30-05:59>0=16"

    assert capacity_a(text, CLOCK_PUT_ON, "01:59") is None
    assert capacity_a(text, CLOCK_PUT_ON, "03:00") == 16
    assert next_change(text, CLOCK_PUT_ON, "00:30") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("clock", ["00:30", "02:30:00.500000", "04:00"])
def test_the_turn_of_the_clock_is_told_to_the_second_from_a_day_before(clock: str) -> None:
    day_before = CLOCK_PUT_ON - timedelta(days=1)

    change = next_change("Su 02:30-05:59>0=16", day_before, clock)

    assert change == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_band_within_the_hour_that_is_doubled_occurs_twice() -> None:
    text = "02:15-02:44>0=16"

    assert capacity_a(text, CLOCK_PUT_BACK, "02:30", fold=0) == 16
    assert capacity_a(text, CLOCK_PUT_BACK, "02:50", fold=0) is None
    assert capacity_a(text, CLOCK_PUT_BACK, "02:30", fold=1) == 16
    assert next_change(text, CLOCK_PUT_BACK, "02:50") == local(
        CLOCK_PUT_BACK, "02:15", fold=1
    ).astimezone(UTC)


def test_the_clock_put_back_into_a_band_is_a_change() -> None:
    assert next_change("02:00-02:29>0=16", CLOCK_PUT_BACK, "02:45") == datetime(
        2026, 10, 25, 1, 0, tzinfo=UTC
    )


def test_the_next_change_is_told_in_utc() -> None:
    change = next_change("06:00-16:59>0=16", MONDAY, "12:00:17")

    assert change == datetime(2026, 1, 12, 16, 0, tzinfo=UTC)
    assert change is not None
    assert change.tzinfo is UTC


def test_where_two_bands_ask_for_the_same_nothing_changes_between_them() -> None:
    text = "00:00-05:59>0=16; 06:00-11:59>0=16"

    assert next_change(text, MONDAY, "03:00") == local(MONDAY, "12:00")


def test_a_holiday_is_told_of_in_the_week_before_it() -> None:
    christmas = date(2026, 12, 25)
    text, holidays = "PH 08:00-17:59>0=16", frozenset({christmas})

    assert next_change(text, MONDAY, "12:00", holidays=holidays) is None
    assert next_change(text, date(2026, 12, 18), "12:00", holidays=holidays) == local(
        christmas, "08:00"
    )


@pytest.mark.parametrize("text", ["", "00:00-24:00>0=16", "PH 08:00-17:59>0=16"])
def test_what_never_changes_has_no_next_change(text: str) -> None:
    assert next_change(text, MONDAY, "12:00") is None


@pytest.mark.parametrize("current_a", [-1.0, nan, inf, -inf])
def test_what_is_no_current_is_no_capacity(current_a: float) -> None:
    with pytest.raises(ScheduleError) as error:
        ScheduleState(capacity_a=current_a)

    assert error.value.field == "capacity_a"


@pytest.mark.parametrize(
    ("caps", "field"),
    [
        ([(0, 10.0)], "below_priority"),
        ([(3, 10.0), (3, 12.0)], "below_priority"),
        ([(3, 10.0), (5, 8.0)], "capacity_a"),
        ([(3, 50.0)], "capacity_a"),
    ],
)
def test_lower_priorities_have_no_more_than_higher_ones(
    caps: list[tuple[int, float]], field: str
) -> None:
    with pytest.raises(ScheduleError) as error:
        ScheduleState(
            capacity_a=48,
            priority_caps=tuple(
                PriorityCap(below_priority=priority, capacity_a=current_a)
                for priority, current_a in caps
            ),
        )

    assert error.value.field == field


@pytest.mark.parametrize(
    ("weekdays", "start", "end", "field"),
    [
        (frozenset({7}), time(8), time(9), "weekdays"),
        (frozenset(), time(8), time(9), "weekdays"),
        (frozenset({0}), time(8, 0, 1), time(9), "start"),
        (frozenset({0}), time(8), time(9, tzinfo=UTC), "end"),
    ],
)
def test_a_band_that_cannot_be_names_its_field(
    weekdays: frozenset[int], start: time, end: time, field: str
) -> None:
    with pytest.raises(ScheduleError) as error:
        Band(
            weekdays=weekdays,
            holidays=False,
            start=start,
            end=end,
            state=ScheduleState(capacity_a=16),
        )

    assert error.value.field == field


def test_without_bands_there_is_nothing_but_a_gap() -> None:
    assert Schedule().at(local(MONDAY, "12:00"), AMSTERDAM) is None
