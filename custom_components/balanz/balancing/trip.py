"""How close an overload is to tripping a fuse, and so whether cutting to fit is fast enough.

A miniature circuit breaker must hold 1.13 times its rating and trip within the hour at 1.45 times;
at 2.55 times it may trip within a second (IEC 60898-1). So small overloads leave minutes, in which
cars may follow a lower limit; large ones leave seconds, and a pause opens the contactor sooner.
"""

from dataclasses import dataclass

from .group import Group
from .supply import MeterReading

PAUSE_AT_ONCE_ABOVE = 2.0
"""Times the rating; one reading is enough."""
PAUSE_ABOVE = 1.45
"""Times the rating, in two readings one after the other."""
PAUSE_S = 300.0
"""How long chargers stay paused after it: a breaker that is hot trips sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TripWatch:
    """What one metered group's last readings say of its fuse."""

    observed_at: float | None = None
    hot: bool = False
    """Whether the last reading was so high that a second one like it is too many."""
    paused_until: float | None = None
    """Monotonic seconds."""

    def observe(self, group: Group, reading: MeterReading | None) -> TripWatch:
        """Return what is known after a reading; one that was seen already changes nothing."""
        if reading is None or reading.at == self.observed_at:
            return self
        times = max(reading.currents[phase] for phase in group.phases) / group.rating_a
        hot = times > PAUSE_ABOVE
        pause = times > PAUSE_AT_ONCE_ABOVE or (hot and self.hot)
        return TripWatch(
            observed_at=reading.at,
            hot=hot,
            paused_until=reading.at + PAUSE_S if pause else self.paused_until,
        )
