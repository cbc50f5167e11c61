"""What a group may carry by time of day, weekday and holiday.

A schedule is a list of bands. The wall clock of the site decides: on the night that skips an hour
a band within that hour does not occur, and on the night that doubles one it occurs twice. Where
several bands cover a minute, the last one in the list holds, so that a band for certain days may
follow one for all days. Where none does there is a gap, and the group's capacity alone rules.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import isfinite

EVERY_DAY = frozenset(range(7))
MINUTES_PER_DAY = 24 * 60
_SECONDS_PER_DAY = MINUTES_PER_DAY * 60
_ONE_DAY = timedelta(days=1)
_HORIZON_DAYS = 8


class ScheduleError(ValueError):
    """A schedule that cannot be: no days, seconds in a time, fewer amperes for more chargers."""

    def __init__(self, message: str, *, field: str) -> None:
        """Tell what is wrong, and in which field."""
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityCap:
    """What all chargers of a priority below the given one may draw together."""

    below_priority: int
    capacity_a: float
    """A per phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """What a schedule asks for at one time. Raises ScheduleError if it cannot be."""

    capacity_a: float
    """What the group may carry, A per phase; it lowers the group's capacity and never raises it."""
    priority_caps: tuple[PriorityCap, ...] = ()
    """From the lowest priority up; each at least as much as the one before."""

    def __post_init__(self) -> None:
        """Check the amperes and their order."""
        priority, least_a = 0, 0.0
        for cap in self.priority_caps:
            if cap.below_priority <= priority:
                raise ScheduleError(
                    f"priority {cap.below_priority} does not come after {priority}",
                    field="below_priority",
                )
            _check_capacity(cap.capacity_a, least_a)
            priority, least_a = cap.below_priority, cap.capacity_a
        _check_capacity(self.capacity_a, least_a)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A time of day on certain days. Raises ScheduleError if it cannot be."""

    weekdays: frozenset[int] = EVERY_DAY
    """On which weekdays it starts, 0 for Monday; a holiday is none of them."""
    holidays: bool = True
    """Whether it starts on holidays, whatever their weekday."""
    start: time
    """In whole minutes of the site's wall clock."""
    end: time
    """The first minute that no longer belongs to it; at or before the start it is on the next day,
    though the band still belongs to the day on which it starts."""
    state: ScheduleState

    def __post_init__(self) -> None:
        """Check the days and the times."""
        if not self.weekdays <= EVERY_DAY:
            raise ScheduleError("a weekday is a number from 0 to 6", field="weekdays")
        if not self.weekdays and not self.holidays:
            raise ScheduleError("a band must start on some day", field="weekdays")
        for field, value in (("start", self.start), ("end", self.end)):
            if value != time(value.hour, value.minute):
                raise ScheduleError(f"{value} is no whole minute of the wall clock", field=field)

    @property
    def start_minute(self) -> int:
        """In which minute of the day it starts, counted from midnight."""
        return _minute(self.start)

    @property
    def minutes(self) -> int:
        """How many minutes it lasts by the wall clock, from 1 to those of a whole day."""
        length = (_minute(self.end) - self.start_minute) % MINUTES_PER_DAY
        return length or MINUTES_PER_DAY

    def covers(self, wall_clock: datetime, holidays: Container[date]) -> bool:
        """Return whether the band holds when a clock on the site's wall shows this."""
        since_start = _minute(wall_clock) - self.start_minute
        if 0 <= since_start < self.minutes:
            return self._starts_on(wall_clock.date(), holidays)
        if since_start + MINUTES_PER_DAY < self.minutes:
            return self._starts_on(wall_clock.date() - _ONE_DAY, holidays)
        return False

    def _starts_on(self, day: date, holidays: Container[date]) -> bool:
        return self.holidays if day in holidays else day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Bands, of which the last one that covers a minute holds."""

    bands: tuple[Band, ...] = ()

    def at(
        self, instant: datetime, tz: tzinfo, holidays: Container[date] = ()
    ) -> ScheduleState | None:
        """Return what holds at an instant in the site's time zone; None in a gap.

        Raises ValueError for an instant without a time zone.
        """
        wall_clock = _aware(instant).astimezone(tz)
        return next(
            (band.state for band in reversed(self.bands) if band.covers(wall_clock, holidays)),
            None,
        )

    def next_change(
        self, instant: datetime, tz: tzinfo, holidays: Container[date] = ()
    ) -> datetime | None:
        """Return the first later instant, in UTC, at which something else holds.

        None if nothing changes within eight days: ask again then. Raises ValueError for an instant
        without a time zone.
        """
        current = self.at(instant, tz, holidays)
        if not self.bands:
            return None
        day = instant.astimezone(UTC).replace(microsecond=0)
        for _ in range(_HORIZON_DAYS):
            for moment in sorted(self._moments(day, tz)):
                if self.at(moment, tz, holidays) != current:
                    return moment
            day += _ONE_DAY
        return None

    def _moments(self, begin: datetime, tz: tzinfo) -> Iterator[datetime]:
        """Yield the instants in the 24 hours from a UTC instant at which a change is possible."""
        end = begin + _ONE_DAY
        stretches = [(begin, end)]
        turn = _turn_of_clock(begin, tz)
        if turn is not None:
            yield turn
            stretches = [(begin, turn), (turn, end)]
        times = {edge for band in self.bands for edge in (band.start, band.end)}
        for since, until in stretches:
            shown = since.astimezone(tz).replace(tzinfo=None, fold=0)
            for edge in times:
                # Within a stretch the wall clock runs evenly.
                wait = (datetime.combine(shown.date(), edge) - shown) % _ONE_DAY
                if since + wait < until:
                    yield since + wait


def _turn_of_clock(begin: datetime, tz: tzinfo) -> datetime | None:
    """Return the second in the 24 hours from begin at which the wall clock is put on or back."""

    def offset(second: int) -> timedelta | None:
        return (begin + timedelta(seconds=second)).astimezone(tz).utcoffset()

    before = offset(0)
    low, high = 0, _SECONDS_PER_DAY
    if offset(high) == before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle) == before:
            low = middle
        else:
            high = middle
    return begin + timedelta(seconds=high)


def _aware(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"{instant} has no time zone")
    return instant


def _minute(clock: time | datetime) -> int:
    return clock.hour * 60 + clock.minute


def _check_capacity(capacity_a: float, least_a: float) -> None:
    if not isfinite(capacity_a) or capacity_a < least_a:
        raise ScheduleError(
            f"{capacity_a} A is not a current of at least {least_a} A", field="capacity_a"
        )
