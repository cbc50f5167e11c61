"""What chargers and cars really do, whatever anybody believes.

A charger obeys each limit some seconds after it took it, and its car draws what it is allowed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from custom_components.balanz.balancing.model import Connector
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents

NO_WRITE = -1


class Answer(StrEnum):
    """What becomes of a limit that is sent."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LOST = "lost"
    """Never applied, never answered."""
    SILENT = "silent"
    """Applied, and the answer lost."""
    LATE = "late"
    """Applied only after the answer was given up on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a charger treats one write."""

    answer: Answer = Answer.ACCEPTED
    after_s: float = 0.2
    lag_s: float = 3.0


@dataclass(slots=True, kw_only=True)
class Truth:
    """What a charger and its car really do."""

    connector: Connector
    manners: tuple[Manner, ...] = (Manner(),)
    wiring: tuple[Phase, ...] = ALL_PHASES
    """The phases that its car really uses."""
    limit_a: float = 0.0
    coming: list[tuple[float, int, float]] = field(default_factory=list)
    """Limits taken and not yet obeyed: when, in which order, how much."""
    latest: int = NO_WRITE
    """The last write that was processed; writes are processed in order."""
    online: bool = False
    meters: bool = True
    has_metered: bool = False
    plugged: bool = False
    enabled: bool = True
    demand_a: float = 100.0
    defies_with_a: float | None = None
    """What its car draws whatever the limit; None while the charger obeys."""
    noise: Callable[[], float] = lambda: 0.0

    def take(self, write: int, limit_a: float, now: float, lag_s: float) -> None:
        """Take a limit, unless a later one was taken already."""
        if write <= self.latest:
            return
        self.latest = write
        self.coming.append((now + lag_s, write, limit_a))

    def advance(self, now: float) -> None:
        """Obey what is due; a later limit makes earlier ones void."""
        due = [entry for entry in self.coming if entry[0] <= now]
        for at, write, limit_a in sorted(due):
            if (at, write, limit_a) in self.coming:
                self.limit_a = limit_a
                self.coming = [entry for entry in self.coming if entry[1] > write]

    def forget(self) -> None:
        """Lose all limits: from now on the hardware is all that bounds it."""
        self.limit_a = self.connector.rating_a
        self.coming = []

    @property
    def current_a(self) -> float:
        """What the car draws on each of its lines."""
        if self.defies_with_a is not None:
            return self.defies_with_a if self.plugged else 0.0
        offered_a = self.limit_a
        if not self.plugged or offered_a < self.connector.minimum_a:
            return 0.0
        return max(min(offered_a, self.demand_a) + self.noise(), 0.0)

    @property
    def draw(self) -> PhaseCurrents:
        """What it draws on the phases of the grid."""
        return PhaseCurrents.uniform(self.current_a, self.wiring)

    @property
    def line_currents_a(self) -> tuple[float, ...]:
        """What its own meter shows, per line of the charger."""
        current_a = self.current_a
        lines = self.connector.phase_map.lines
        if lines is None:
            return tuple(current_a if n < len(self.wiring) else 0.0 for n in range(3))
        return tuple(current_a if phase in self.wiring else 0.0 for phase in lines)
