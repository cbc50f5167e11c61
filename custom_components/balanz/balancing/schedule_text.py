"""Schedules as text.

    00:00-05:59>0=48; Mo-Fr 17:00-20:59>0=0:5=48; Sa,Su,PH 08:00-22:00>0=16:3=32

Bands stand one to a line or with a semicolon between them. Each has

* the days on which it starts, if not all: Mo Tu We Th Fr Sa Su, ranges of them, and PH for public
  holidays. A holiday is not a weekday: Mo-Su leaves it out;
* its first and its last minute, so that 05:59 means until 06:00. 24:00 is the end of the day. An
  end before the start is on the next day;
* after the arrow, priority=amperes. With 0=24:3=40:5=48 chargers of a priority below 3 have 24 A
  together, those below 5 have 40 A together, and all have 48 A together. A priority below the
  first one named has nothing.

Bands for the same days must not overlap. Where bands for different days meet, as one for Saturday
does with one for all days, the later one in the text holds.
"""

import re
from dataclasses import dataclass, field
from datetime import time
from itertools import pairwise

from .model import ABSURD_A
from .schedule import EVERY_DAY, MINUTES_PER_DAY, Band, PriorityCap, Schedule, ScheduleState

HOLIDAY = "PH"
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_NUMBERS_OF_DAYS = {name.casefold(): number for number, name in enumerate(WEEKDAYS)}

_BAND = re.compile(r"[^;\n]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_PRIORITY = re.compile(r"[0-9]{1,9}")
_AMPERES = re.compile(r"[0-9]{1,9}(\.[0-9])?")


class ScheduleTextError(ValueError):
    """A schedule's text that means nothing, with the place and a stable key of the reason.

    The keys: day, missing_end, time, one_minute, missing_arrow, missing_equals, priority,
    priority_order, amperes, amperes_order, overlap, shared_minute.
    """

    def __init__(self, text: str, position: int, length: int, key: str) -> None:
        """Mark at least one character of the text."""
        super().__init__(f"{key}: {text[position : position + length]!r} at {position}")
        self.text = text
        self.position = position
        self.length = length
        self.key = key

    @property
    def marked(self) -> str:
        """The part of the text that is wrong."""
        return self.text[self.position : self.position + self.length]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the whole text that knows its place in it."""

    whole: str
    start: int
    stop: int
    text: str = field(init=False)

    def __post_init__(self) -> None:
        """Leave out the white space around it."""
        text = self.whole[self.start : self.stop]
        start = self.start + len(text) - len(text.lstrip())
        text = text.strip()
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "stop", start + len(text))
        object.__setattr__(self, "text", text)

    def part(self, start: int, stop: int | None = None) -> _Piece:
        """Return a part of it, by positions within it."""
        return _Piece(
            self.whole, self.start + start, self.stop if stop is None else self.start + stop
        )

    def split(self, separator: str) -> list[_Piece]:
        """Return the parts between separators, of which some may be empty."""
        cuts = [-1, *(at for at, char in enumerate(self.text) if char == separator)]
        return [self.part(a + 1, b) for a, b in pairwise([*cuts, len(self.text)])]

    def cut(self, separator: str, key: str) -> tuple[_Piece, _Piece]:
        """Return what stands before and after the first separator.

        Raises ScheduleTextError with the key where there is none.
        """
        at = self.text.find(separator)
        if at < 0:
            raise self.error(key)
        return self.part(0, at), self.part(at + 1)

    def error(self, key: str) -> ScheduleTextError:
        """Return an error that marks it, or the character before it where nothing is there."""
        if self.text:
            return ScheduleTextError(self.whole, self.start, len(self.text), key)
        return ScheduleTextError(self.whole, max(self.start - 1, 0), 1, key)


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that a text describes; one without bands if it is blank.

    Raises ScheduleTextError.
    """
    bands: list[Band] = []
    for match in _BAND.finditer(text):
        piece = _Piece(text, match.start(), match.end())
        if not piece.text:
            continue
        when, limits = piece.cut(">", "missing_arrow")
        days, hours = _days_and_hours(when)
        weekdays, holidays = _days(days)
        start, end = _hours(hours)
        band = Band(
            weekdays=weekdays, holidays=holidays, start=start, end=end, state=_state(limits)
        )
        for earlier in bands:
            if _overlap(earlier, band):
                only_at_ends = not _overlap(earlier, band, without_last_minute=True)
                raise hours.error("shared_minute" if only_at_ends else "overlap")
        bands.append(band)
    return Schedule(bands=tuple(bands))


def render_schedule(schedule: Schedule) -> str:
    """Return the text of a schedule; amperes are given in tenths."""
    return "; ".join(_render_band(band) for band in schedule.bands)


def _days_and_hours(when: _Piece) -> tuple[_Piece | None, _Piece]:
    if not when.text[:1].isalpha():
        return None, when
    digit = re.search("[0-9]", when.text)
    at = len(when.text) if digit is None else digit.start()
    return when.part(0, at), when.part(at)


def _days(days: _Piece | None) -> tuple[frozenset[int], bool]:
    if days is None:
        return EVERY_DAY, True
    weekdays: set[int] = set()
    holidays = False
    for piece in days.split(","):
        if piece.text.casefold() == HOLIDAY.casefold():
            holidays = True
            continue
        ends = [_weekday(end) for end in piece.split("-")]
        if len(ends) > 2:
            raise piece.error("day")
        count = (ends[-1] - ends[0]) % 7 + 1
        weekdays.update((ends[0] + day) % 7 for day in range(count))
    return frozenset(weekdays), holidays


def _weekday(piece: _Piece) -> int:
    number = _NUMBERS_OF_DAYS.get(piece.text.casefold())
    if number is None:
        raise piece.error("day")
    return number


def _hours(hours: _Piece) -> tuple[time, time]:
    """Return the first minute, and the first one after the last."""
    first, last = hours.cut("-", "missing_end")
    start, end = _minute(first), _minute(last)
    if start == MINUTES_PER_DAY:
        raise first.error("time")
    if end < MINUTES_PER_DAY:
        end += 1
    if end - start == 1:
        # Whoever writes 00:00-00:00 means a whole day, or nothing at all.
        raise hours.error("one_minute")
    return _time(start), _time(end)


def _minute(piece: _Piece) -> int:
    """Return the minute of the day, that of 24:00 included."""
    match = _TIME.fullmatch(piece.text)
    if match is None:
        raise piece.error("time")
    hour, minute = int(match[1]), int(match[2])
    if minute > 59 or hour * 60 + minute > MINUTES_PER_DAY:
        raise piece.error("time")
    return hour * 60 + minute


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def _state(limits: _Piece) -> ScheduleState:
    caps: list[PriorityCap] = []
    lowest, capacity_a = 0, 0.0
    for number, piece in enumerate(limits.split(":")):
        priority_piece, amperes_piece = piece.cut("=", "missing_equals")
        if not _PRIORITY.fullmatch(priority_piece.text):
            raise priority_piece.error("priority")
        priority = int(priority_piece.text)
        if number and priority <= lowest:
            raise priority_piece.error("priority_order")
        if priority:
            caps.append(PriorityCap(below_priority=priority, capacity_a=capacity_a))
        lowest, capacity_a = priority, _amperes(amperes_piece, capacity_a)
    return ScheduleState(capacity_a=capacity_a, priority_caps=tuple(caps))


def _amperes(piece: _Piece, least_a: float) -> float:
    if not _AMPERES.fullmatch(piece.text) or float(piece.text) > ABSURD_A:
        raise piece.error("amperes")
    amperes = float(piece.text)
    if amperes < least_a:
        raise piece.error("amperes_order")
    return amperes


def _overlap(one: Band, other: Band, *, without_last_minute: bool = False) -> bool:
    """Return whether two bands for the same days share a minute."""
    if (one.weekdays, one.holidays) != (other.weekdays, other.holidays):
        return False
    # Two holidays may follow each other, as those of Christmas do.
    in_a_row = one.holidays or any((day + 1) % 7 in one.weekdays for day in one.weekdays)
    shorter = 1 if without_last_minute else 0
    days_apart = (-1, 0, 1) if in_a_row else (0,)
    distances = [
        other.start_minute - one.start_minute + days * MINUTES_PER_DAY for days in days_apart
    ]
    return any(shorter - other.minutes < distance < one.minutes - shorter for distance in distances)


def _render_band(band: Band) -> str:
    days = _render_days(band)
    last = (band.start_minute + band.minutes - 1) % MINUTES_PER_DAY
    hours = f"{band.start:%H:%M}-{_time(last):%H:%M}"
    priorities = [0, *(cap.below_priority for cap in band.state.priority_caps)]
    capacities_a = [*(cap.capacity_a for cap in band.state.priority_caps), band.state.capacity_a]
    limits = ":".join(
        f"{priority}={capacity_a:.1f}".removesuffix(".0")
        for priority, capacity_a in zip(priorities, capacities_a, strict=True)
    )
    return f"{days}{hours}>{limits}"


def _render_days(band: Band) -> str:
    if band.weekdays == EVERY_DAY and band.holidays:
        return ""
    runs: list[list[int]] = []
    for day in sorted(band.weekdays):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = [
        f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}"
        if len(run) > 2
        else ",".join(WEEKDAYS[day] for day in run)
        for run in runs
    ]
    return ",".join([*names, *([HOLIDAY] if band.holidays else [])]) + " "
