"""What the schedules of a site's groups ask for now, and when that changes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from ..balancing.schedule import Schedule, ScheduleState

LOOK_AT_LEAST_EVERY = timedelta(days=7)
"""Schedules tell their next change only if it comes within eight days."""


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
        changes = [
            schedule.next_change(now, self._time_zone, self._holidays)
            for schedule in self._schedules.values()
        ]
        self._look_again_at = min(
            (at for at in changes if at is not None), default=now + LOOK_AT_LEAST_EVERY
        )
        states = {
            group_id: state
            for group_id, schedule in self._schedules.items()
            if (state := schedule.at(now, self._time_zone, self._holidays)) is not None
        }
        if states == self.states:
            return False
        self.states = states
        return True

    def wait_s(self, now: datetime) -> float:
        """Return how long nothing changes, in s."""
        return max((self._look_again_at - now).total_seconds(), 0.0)
