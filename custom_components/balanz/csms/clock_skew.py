"""How far a charger's clock is off, learnt from the timestamps of its messages.

A timestamp that differs much from the time of receipt has two possible causes: a wrong clock, or a
message that waited for hours in the charger's memory. A wrong clock is off by the same amount for a
while; messages sent later from memory are not.
"""

from datetime import datetime, timedelta

FRESH_S = 60.0
_AGREEMENT_S = 10.0
_APART = timedelta(seconds=20)


class ClockSkew:
    """The skew of one charger's clock."""

    def __init__(self) -> None:
        self.skew_s: float | None = None
        """How far the clock is ahead; None until it is known."""
        self._suspected: tuple[datetime, float] | None = None

    def observe(self, stamped_at: datetime, received_at: datetime) -> None:
        """Learn from a message's timestamp."""
        offset_s = (stamped_at - received_at).total_seconds()
        if abs(offset_s) <= FRESH_S:
            self.skew_s = offset_s
            self._suspected = None
        elif self._suspected is None or abs(offset_s - self._suspected[1]) > _AGREEMENT_S:
            self._suspected = (received_at, offset_s)
        elif received_at - self._suspected[0] >= _APART:
            self.skew_s = offset_s

    def is_fresh(self, stamped_at: datetime, received_at: datetime) -> bool:
        """Return whether something was measured within a minute of its receipt."""
        offset_s = (stamped_at - received_at).total_seconds() - (self.skew_s or 0.0)
        return abs(offset_s) <= FRESH_S
