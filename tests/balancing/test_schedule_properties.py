"""Schedules against a plain evaluator that looks at every minute."""

from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.balancing.schedule import (
    Band,
    PriorityCap,
    Schedule,
    ScheduleState,
)
from custom_components.balanz.balancing.schedule_text import (
    ScheduleTextError,
    parse_schedule,
    render_schedule,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
"""Where the clock is put on by half an hour."""
CLOCK_PUT_ON = date(2026, 3, 29)
CLOCK_PUT_BACK = date(2026, 10, 25)
LORD_HOWE_PUTS_ON = date(2026, 10, 4)
LORD_HOWE_PUTS_BACK = date(2026, 4, 5)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
KEYS = {
    "amperes",
    "amperes_order",
    "day",
    "missing_arrow",
    "missing_end",
    "missing_equals",
    "one_minute",
    "overlap",
    "priority",
    "priority_order",
    "shared_minute",
    "time",
}

# The hours in which clocks are put on and back, and the edges of the day, are where errors hide.
minutes_of_day = st.sampled_from([0, 1, 119, 120, 150, 179, 180, 1439]) | st.integers(0, 1439)
weeks = st.tuples(
    st.sampled_from([CLOCK_PUT_ON, CLOCK_PUT_BACK]) | st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    st.just(AMSTERDAM),
) | st.tuples(st.sampled_from([LORD_HOWE_PUTS_ON, LORD_HOWE_PUTS_BACK]), st.just(LORD_HOWE))


@st.composite
def states(draw: st.DrawFn) -> ScheduleState:
    """Return few different states, so that bands next to each other are often alike."""
    priorities = sorted(draw(st.sets(st.integers(1, 9), max_size=2)))
    count = len(priorities) + 1
    amperes = st.integers(0, 4).map(lambda quarter: quarter * 7.5)
    currents_a = sorted(draw(st.lists(amperes, min_size=count, max_size=count)))
    caps = zip(priorities, currents_a[:-1], strict=True)
    return ScheduleState(
        capacity_a=currents_a[-1],
        priority_caps=tuple(
            PriorityCap(below_priority=priority, capacity_a=cap_a) for priority, cap_a in caps
        ),
    )


def clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


@st.composite
def bands(draw: st.DrawFn) -> Band:
    weekdays = draw(st.just(frozenset(range(7))) | st.frozensets(st.integers(0, 6)))
    start = draw(minutes_of_day)
    return Band(
        weekdays=weekdays,
        holidays=draw(st.booleans()) or not weekdays,
        start=clock(start),
        end=clock(draw(minutes_of_day.filter(lambda end: end != (start + 1) % 1440))),
        state=draw(states()),
    )


schedules = st.lists(bands(), max_size=5).map(lambda chosen: Schedule(bands=tuple(chosen)))


def minutes_of(band: Band, first: date, days: int, holidays: Container[date]) -> Iterator[datetime]:
    """Yield what a wall clock shows in each minute of the band."""
    for number in range(days):
        day = first + number * DAY
        if band.holidays if day in holidays else day.weekday() in band.weekdays:
            shown = datetime.combine(day, band.start)
            yield shown
            while (shown := shown + MINUTE).time() != band.end:
                yield shown


def painted(
    schedule: Schedule, first: date, days: int, holidays: Container[date]
) -> dict[datetime, ScheduleState]:
    """Return what holds when a wall clock shows a minute, the later bands painted over."""
    return {
        shown: band.state
        for band in schedule.bands
        for shown in minutes_of(band, first, days, holidays)
    }


def shown_at(instant: datetime, tz: ZoneInfo) -> datetime:
    return instant.astimezone(tz).replace(tzinfo=None, fold=0, second=0, microsecond=0)


@settings(max_examples=40)
@given(schedules, weeks, st.sets(st.integers(0, 9), max_size=3))
def test_in_every_minute_of_a_week_the_right_band_holds(
    schedule: Schedule, week: tuple[date, ZoneInfo], holiday_numbers: set[int]
) -> None:
    middle, tz = week
    first = middle - 4 * DAY
    holidays = {first + number * DAY for number in holiday_numbers}
    truth = painted(schedule, first, 10, holidays)
    begin = datetime.combine(first + DAY, time(12), UTC)

    for number in range(7 * 24 * 60):
        instant = begin + number * MINUTE
        assert schedule.at(instant, tz, holidays) == truth.get(shown_at(instant, tz)), instant


@settings(max_examples=150)
@given(
    schedules,
    weeks,
    st.sets(st.integers(0, 9), max_size=3),
    st.integers(0, 3 * 86_400_000).map(lambda since: timedelta(milliseconds=since)),
)
def test_the_next_change_is_the_first_minute_in_which_something_else_holds(
    schedule: Schedule, week: tuple[date, ZoneInfo], holiday_numbers: set[int], since: timedelta
) -> None:
    middle, tz = week
    first = middle - 4 * DAY
    holidays = {first + number * DAY for number in holiday_numbers}
    truth = painted(schedule, first, 12, holidays)
    instant = datetime.combine(first + 2 * DAY, time(12), UTC) + since
    current = truth.get(shown_at(instant, tz))
    whole = instant.replace(second=0, microsecond=0)
    later = [whole + number * MINUTE for number in range(1, 5 * 24 * 60)]
    expected = next((at for at in later if truth.get(shown_at(at, tz)) != current), None)

    change = schedule.next_change(instant, tz, holidays)

    if expected is None:
        assert change is None or change > later[-1]
    else:
        assert change == expected


@given(schedules)
def test_a_schedule_that_is_written_and_read_is_the_same(schedule: Schedule) -> None:
    by_days = {(band.weekdays, band.holidays): band for band in schedule.bands}
    apart = Schedule(bands=tuple(by_days.values()))

    assert parse_schedule(render_schedule(apart)) == apart


@given(bands(), bands())
def test_bands_for_the_same_days_are_refused_exactly_where_they_share_a_minute(
    one: Band, other: Band
) -> None:
    other = replace(other, weekdays=one.weekdays, holidays=one.holidays)
    first = date(2026, 1, 12)
    workweeks: set[date] = set()
    only_holidays = {first + number * DAY for number in range(9)}
    share = any(
        set(minutes_of(one, first, 9, calendar)) & set(minutes_of(other, first, 9, calendar))
        for calendar in (workweeks, only_holidays)
    )
    schedule = Schedule(bands=(one, other))

    if share:
        with pytest.raises(ScheduleTextError) as raised:
            parse_schedule(render_schedule(schedule))
        assert raised.value.key in {"overlap", "shared_minute"}
    else:
        assert parse_schedule(render_schedule(schedule)) == schedule


def parsed(text: str) -> Schedule | ScheduleTextError:
    try:
        return parse_schedule(text)
    except ScheduleTextError as error:
        return error


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    """Return the text of a schedule in which some characters are lost, doubled or wrong."""
    text = render_schedule(draw(schedules))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        lost = draw(st.integers(0, 3))
        text = text[:at] + draw(st.text("0259:-=>;,. \nMoPHx²", max_size=2)) + text[at + lost :]
    return text


@settings(max_examples=1000)
@given(damaged_texts() | st.text("0259:-=>;,. \nMoPHx²") | st.text())
def test_any_text_is_a_schedule_or_has_the_place_of_its_error_marked(text: str) -> None:
    result = parsed(text)

    if isinstance(result, Schedule):
        assert parse_schedule(render_schedule(result)) == result
    else:
        assert result.position >= 0
        assert result.length >= 1
        assert result.position + result.length <= len(text)
        assert result.marked
        assert result.key in KEYS
