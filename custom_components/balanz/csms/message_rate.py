"""How fast a peer may talk: what comes faster waits in its own socket."""

MESSAGES_PER_S = 200.0
"""Far more than any charger needs, and still a small part of a processor core."""
BURST = 1000
"""So many at once are what a charger kept while it was offline."""


class MessageRate:
    """The messages of one peer, in s of the event loop's clock."""

    def __init__(self, *, per_s: float = MESSAGES_PER_S, burst: int = BURST) -> None:
        self._interval_s = 1.0 / per_s
        self._allowance_s = burst / per_s
        self._due_at = 0.0
        self._too_fast_since: float | None = None

    def take(self, now: float) -> float:
        """Count a message; return how long to wait until the next one is read."""
        self._due_at = (now if now > self._due_at else self._due_at) + self._interval_s
        wait_s = self._due_at - now - self._allowance_s
        if wait_s <= 0.0:
            self._too_fast_since = None
            return 0.0
        if self._too_fast_since is None:
            self._too_fast_since = now
        return wait_s

    def too_fast_for_s(self, now: float) -> float:
        """Return for how long the peer has been made to wait without a pause."""
        return 0.0 if self._too_fast_since is None else now - self._too_fast_since
