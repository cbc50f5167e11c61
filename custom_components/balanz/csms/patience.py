"""How long to put up with what a peer does wrong."""

from collections import deque
from collections.abc import Mapping


class Budget:
    """How often something may happen within spans of time, all in s of one clock."""

    def __init__(self, most: Mapping[float, int]) -> None:
        self._most = most
        self._happened_at: deque[float] | None = None
        """None until it has happened once, which it does with few."""

    def spend(self, now: float) -> bool:
        """Note that it has happened; return whether that was too often."""
        times = self._happened_at
        if times is None:
            times = self._happened_at = deque(maxlen=max(self._most.values()) + 1)
        times.append(now)
        return any(
            len(times) > most and times[-most - 1] >= now - span_s
            for span_s, most in self._most.items()
        )


class Penalties:
    """Who must stay away for how long, since its connections were closed for what it sent.

    The first time costs nothing, since a charger that restarts may have mended itself. From then on
    each time costs twice as much, until nothing was wrong for long enough.
    """

    FIRST_S = 60.0
    LONGEST_S = 900.0
    FORGIVEN_AFTER_S = 3600.0
    MOST = 200

    def __init__(self) -> None:
        self._times: dict[str, tuple[int, float]] = {}

    def add(self, who: str, now: float) -> None:
        """Note that a connection had to be closed."""
        count, since = self._times.pop(who, (0, now))
        if now - since > self.FORGIVEN_AFTER_S:
            count = 0
        self._times[who] = (count + 1, now)
        if len(self._times) > self.MOST:
            del self._times[next(iter(self._times))]

    def left_s(self, who: str, now: float) -> float:
        """Return how long somebody has to stay away still."""
        count, since = self._times.get(who, (0, now))
        if count < 2:
            return 0.0
        penalty_s = min(self.FIRST_S * 2.0 ** (count - 2), self.LONGEST_S)
        return max(since + penalty_s - now, 0.0)


class Reconnects:
    """How long a charger waits that connects again and again, such as two with one identity."""

    FREE = 10
    WITHIN_S = 60.0
    FIRST_S = 0.1
    LONGEST_S = 5.0
    MOST = 40

    def __init__(self) -> None:
        self._connected_at: tuple[float, ...] = ()

    def delay_s(self, now: float) -> float:
        """Note a connection; return how long to wait before it is served."""
        recent_ones = (at for at in self._connected_at if at >= now - self.WITHIN_S)
        self._connected_at = (*recent_ones, now)[-self.MOST :]
        recent = len(self._connected_at)
        if recent <= self.FREE:
            return 0.0
        return min(self.FIRST_S * 2.0 ** (recent - self.FREE - 1), self.LONGEST_S)
