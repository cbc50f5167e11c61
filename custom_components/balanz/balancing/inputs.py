"""What a step of control looks at: everything that is known now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .commitments import Commitment
from .demand import Appetite
from .model import ConnectorKey
from .need import Need
from .phase_use import PhaseUse
from .phases import PhaseCurrents
from .reasons import MAXIMUM_REACHED, Reason
from .supply import DrawInterval, MeterReading


class Line(StrEnum):
    """Whether a command can be sent to a charger now."""

    FREE = "free"
    BUSY = "busy"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A connector's last reading on the phases of the grid, and the one before it."""

    reading: DrawInterval
    at: float
    before: DrawInterval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorInput:
    """What is known of a connector now."""

    line: Line
    wants: bool
    """A car is plugged in, may charge and has not finished."""
    idle_reason: Reason
    """Why it gets nothing where it does not want anything."""
    maximum_a: float
    maximum_reason: Reason = MAXIMUM_REACHED
    """Why it may have no more than that."""
    commitment: Commitment
    appetite: Appetite
    draw: Draw | None = None
    """None where it does not meter, or has not for a while."""
    may_rise_since: float | None = None
    """When something last happened that lets its current rise."""
    raised_at: float | None = None
    waiting_since: float = 0.0
    writes: int = 0
    """How many limits it has been sent."""
    phase_use: PhaseUse = field(default_factory=PhaseUse)
    priority: int | None = None
    """What a tag or the session says instead of the connector's own priority."""
    need: Need = field(default_factory=Need)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Current that is booked for a charger that is no longer set up, or was moved."""

    id: str
    group_ids: tuple[str, ...]
    """The groups that it may flow through."""
    currents: PhaseCurrents


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a step looks at."""

    capacities_a: Mapping[str, float]
    meters: Mapping[str, MeterReading | None]
    """For each metered group; None where its meter tells nothing usable now."""
    hour_of_week: int = 0
    """By the wall clock of the site; 0 is Monday after midnight."""
    connectors: Mapping[ConnectorKey, ConnectorInput]
    voltages_v: Mapping[str, float] = field(default_factory=dict)
    """Measured phase voltages of groups whose power is limited; others are taken as nominal."""
    battery_discharge_a: Mapping[str, float | None] = field(default_factory=dict)
    """What batteries give in groups that charge from surplus, A over all phases; None where one
    does not tell."""
    bookings: tuple[Booking, ...] = ()
    durable: bool = True
    """Whether a raise can be recorded before it is sent."""

    def with_fresh_meters(self, now: float) -> Inputs:
        """Return the same without readings that have become too old (monotonic seconds)."""
        return replace(
            self,
            meters={
                group_id: None if reading is None or reading.fresh_until <= now else reading
                for group_id, reading in self.meters.items()
            },
        )
