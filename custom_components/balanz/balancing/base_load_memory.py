"""The worst base loads that a group has had: of the last minutes, and of each hour of the week.

What a house may take while nobody can see it is told best by what it took at such times before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .phases import PhaseCurrents

HOURS_OF_WEEK = 168
RECENT_MIN = 15
"""How many minutes count as the last ones."""
SEEN_FROM_MIN = 30
"""An hour that was seen for less tells what it takes at the least, not what it takes."""
KEPT_EACH_WEEK = 0.9
"""How much of an hour's worst is left after a week in which it was less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLoadMemory:
    """What one metered group's base load has been at its worst, on each phase."""

    minutes: tuple[tuple[int, PhaseCurrents], ...] = ()
    """The worst of each of the last minutes (monotonic) in which there was an estimate."""
    hours: Mapping[int, PhaseCurrents] = field(default_factory=dict)
    """The worst of the hours of the week (0 is Monday after midnight) as of before this one."""
    hour: int | None = None
    """The hour of the week that is going on."""
    hour_worst: PhaseCurrents | None = None
    """Its worst so far; None before the first estimate in it."""
    hour_seen_min: int = 0
    """In how many of its minutes there were estimates."""

    def observe(self, base_load: PhaseCurrents, at: float, hour: int) -> BaseLoadMemory:
        """Return what is known after an estimate (monotonic seconds, hour of the week)."""
        here = self._turned_to(hour)
        minute = int(at // 60)
        is_new = not self.minutes or self.minutes[-1][0] != minute
        return replace(
            here,
            minutes=self._with_minute(minute, base_load),
            hour_worst=_worst((base_load, here.hour_worst)),
            hour_seen_min=here.hour_seen_min + is_new,
        )

    def _turned_to(self, hour: int) -> BaseLoadMemory:
        """Return what is known in an hour of the week: one that is over is learnt."""
        if hour == self.hour:
            return self
        hours = self.hours
        if self.hour is not None and self.hour_worst is not None:
            learnt = self._learnt(self.hours.get(self.hour), self.hour_worst)
            if learnt is not None:
                hours = {**hours, self.hour: learnt}
        return replace(self, hours=hours, hour=hour, hour_worst=None, hour_seen_min=0)

    def _learnt(self, before: PhaseCurrents | None, worst: PhaseCurrents) -> PhaseCurrents | None:
        """Return the worst of an hour after it has passed once more; None if it is not known."""
        seen = self.hour_seen_min >= SEEN_FROM_MIN
        if before is None:
            return worst if seen else None
        kept = KEPT_EACH_WEEK if seen else 1.0
        return worst.maximum(before.map(lambda current_a: current_a * kept))

    def recent(self) -> PhaseCurrents | None:
        """Return the worst of the last minutes before the last estimate; None without one."""
        return _worst(load for _, load in self.minutes)

    def of_hour(self, hour: int) -> PhaseCurrents | None:
        """Return the worst of an hour of the week; of all hours where it was never seen.

        None where nothing was seen at all.
        """
        loads: list[PhaseCurrents | None] = []
        loads += [self.hours[hour]] if hour in self.hours else list(self.hours.values())
        if hour == self.hour or hour not in self.hours:
            loads.append(self.hour_worst)
        return _worst(loads)

    def soon(self, hour: int) -> PhaseCurrents | None:
        """Return the worst of an hour of the week and the next one, as far as they were seen."""
        of_this = self.hour_worst if hour == self.hour else None
        next_hour = (hour + 1) % HOURS_OF_WEEK
        return _worst((self.hours.get(hour), self.hours.get(next_hour), of_this))

    def worst(self) -> PhaseCurrents | None:
        """Return the worst that is known of any time; None where nothing was seen."""
        return _worst((*self.hours.values(), self.hour_worst, self.recent()))

    def _with_minute(
        self, minute: int, base_load: PhaseCurrents
    ) -> tuple[tuple[int, PhaseCurrents], ...]:
        if self.minutes and self.minutes[-1][0] == minute:
            return (*self.minutes[:-1], (minute, self.minutes[-1][1].maximum(base_load)))
        recent = tuple(one for one in self.minutes if one[0] >= minute - RECENT_MIN)
        return (*recent, (minute, base_load))


def _worst(loads: Iterable[PhaseCurrents | None]) -> PhaseCurrents | None:
    worst: PhaseCurrents | None = None
    for load in loads:
        if load is not None:
            worst = load if worst is None else worst.maximum(load)
    return worst
