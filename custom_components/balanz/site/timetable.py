"""What the schedules of a site's groups ask for now, and when that changes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from ..balancing.commitments import LAG_S
from ..balancing.schedule import Schedule, ScheduleState

LOOK_AT_LEAST_EVERY = timedelta(days=7)
"""Schedules tell their next change only if it comes within eight days."""


CARS_FOLLOW = timedelta(seconds=LAG_S)
"""A lower limit is set this much before it has to hold, so that cars are there in time."""


class Timetable:
    """Looks at the schedules only when one of them changes, or when the clock was set."""

    def __init__(self) -> None:
        """Start without schedules."""
        self.states: Mapping[str, ScheduleState] = {}
        """What holds now, by group id; groups in a gap are left out."""
        self._schedules: Mapping[str, Schedule] = {}
        self._time_zone: tzinfo = UTC
        self._holidays: frozenset[date] = frozenset()
        self._looked_at: datetime | None = None
        self._look_again_at = datetime.max.replace(tzinfo=UTC)

    def set_schedules(
        self, schedules: Mapping[str, Schedule], time_zone: tzinfo, holidays: frozenset[date]
    ) -> None:
        """Take over changed settings; `look` then tells what follows."""
        self._schedules = schedules
        self._time_zone = time_zone
        self._holidays = holidays
        self._looked_at = None

    def look(self, now: datetime) -> bool:
        """Bring the states up to date; return whether anything else holds than before."""
        if self._looked_at is not None and self._looked_at <= now < self._look_again_at:
            return False
        self._looked_at = now
        self._look_again_at = now + LOOK_AT_LEAST_EVERY
        states: dict[str, ScheduleState] = {}
        for group_id, schedule in self._schedules.items():
            here = (self._time_zone, self._holidays)
            state = _lower(schedule.at(now, *here), schedule.at(now + CARS_FOLLOW, *here))
            if state is not None:
                states[group_id] = state
            changes = [
                schedule.next_change(now, *here),
                _earlier(schedule.next_change(now + CARS_FOLLOW, *here)),
            ]
            for at in changes:
                if at is not None:
                    self._look_again_at = min(self._look_again_at, at)
        if states == self.states:
            return False
        self.states = states
        return True

    def wait_s(self, now: datetime) -> float:
        """Return how long nothing changes, in s."""
        return max((self._look_again_at - now).total_seconds(), 0.0)


def _lower(now: ScheduleState | None, soon: ScheduleState | None) -> ScheduleState | None:
    if now is None or soon is None:
        return now or soon
    return now if now.capacity_a < soon.capacity_a else soon


def _earlier(at: datetime | None) -> datetime | None:
    return None if at is None else at - CARS_FOLLOW
