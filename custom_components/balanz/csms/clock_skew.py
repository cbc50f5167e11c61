"""How far a charger's clock is off, learnt from the timestamps of its messages.

A timestamp that differs much from the time of receipt has two possible causes: a wrong clock, or a
message that waited for hours in the charger's memory. A wrong clock is off by the same amount for a
while; messages sent later from memory are not. What was learnt ends where our own clock is set.
"""

import time
from datetime import datetime, timedelta

FRESH_S = 60.0
_AGREEMENT_S = 10.0
_APART = timedelta(seconds=20)
_OWN_CLOCK_SET_S = 5.0
"""Our clock was set if it moved by more than this against one that only ever runs on."""


class ClockSkew:
    """The skew of one charger's clock."""

    def __init__(self) -> None:
        self._skew_s: float | None = None
        self._learnt_at = 0.0
        self.lag_s = 0.0
        """The furthest that any message was behind, even one that may only have waited."""
        self._suspected: tuple[datetime, float] | None = None

    @property
    def skew_s(self) -> float | None:
        """How far the clock is ahead; None until it is known."""
        if abs(_own_clock() - self._learnt_at) > _OWN_CLOCK_SET_S:
            return None
        return self._skew_s

    def observe(self, stamped_at: datetime, received_at: datetime) -> None:
        """Learn from a message's timestamp."""
        offset_s = (stamped_at - received_at).total_seconds()
        self.lag_s = max(self.lag_s, -offset_s)
        if abs(offset_s) <= FRESH_S:
            self._learn(offset_s)
            self._suspected = None
        elif self._suspected is None or abs(offset_s - self._suspected[1]) > _AGREEMENT_S:
            self._suspected = (received_at, offset_s)
        elif received_at - self._suspected[0] >= _APART:
            self._learn(offset_s)

    def is_fresh(self, stamped_at: datetime, received_at: datetime) -> bool:
        """Return whether something was measured within a minute of its receipt."""
        offset_s, skew_s = (stamped_at - received_at).total_seconds(), self._skew_s
        if abs(offset_s) <= FRESH_S and (skew_s is None or abs(offset_s - skew_s) <= FRESH_S):
            # Whether what was learnt still holds makes no difference then.
            return True
        return abs(offset_s - (self.skew_s or 0.0)) <= FRESH_S

    def _learn(self, offset_s: float) -> None:
        self._skew_s = offset_s
        self._learnt_at = _own_clock()


def _own_clock() -> float:
    """Return what stays the same, in s, as long as nobody sets our clock."""
    return time.time() - time.monotonic()
