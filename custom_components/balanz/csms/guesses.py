"""Wrong passwords, counted per address and per identity."""

from collections import OrderedDict, deque
from collections.abc import Iterable

MOST_GUESSES = 5
WINDOW_S = 300.0
MAX_COUNTED = 512
"""Addresses and identities to count for; strangers must not fill the memory."""


class Guesses:
    """Says when whoever guesses has guessed often enough. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, sources: Iterable[str], now: float) -> bool:
        """Count a wrong password; return whether one of its sources has had too many of them."""
        return max(self._count(source, now) for source in sources) > MOST_GUESSES

    def forget(self, source: str) -> None:
        """Count anew: who guessed has known the password in the end."""
        self._times.pop(source, None)

    def _count(self, source: str, now: float) -> int:
        times = self._times.setdefault(source, deque(maxlen=MOST_GUESSES + 1))
        self._times.move_to_end(source)
        if len(self._times) > MAX_COUNTED:
            self._times.popitem(last=False)
        times.append(now)
        return sum(time > now - WINDOW_S for time in times)
