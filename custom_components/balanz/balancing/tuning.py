"""How lively or calm a site is controlled: what its owner may tune."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The settings of control; the defaults suit homes and garages alike."""

    turn_s: float = 1800.0
    """How long a car charges before another may take its place."""
    short_turn_s: float = 240.0
    """How long a car that has had nothing waits for its first turn. With the time that the others
    take to make room and the car to wake, it has current within five minutes."""
    raise_spacing_s: float = 20.0
    """The least time between two raises of a connector that charges."""
    writes_per_day: int = 300
    """How many limits a charger is sent a day before only cuts are sent: each is a write to its
    flash memory."""
