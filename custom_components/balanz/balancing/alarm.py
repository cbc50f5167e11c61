"""When to step again, should nothing happen until then."""


class Alarm:
    """Keeps the earliest of the times at which a decision may come out differently."""

    def __init__(self, now: float) -> None:
        """Start with none; times up to now (monotonic seconds) do not count."""
        self._now = now
        self.wake_at: float | None = None

    def at(self, time: float | None) -> None:
        """Ask to be woken at a time; None asks for nothing."""
        if time is None or time <= self._now:
            return
        if self.wake_at is None or time < self.wake_at:
            self.wake_at = time
