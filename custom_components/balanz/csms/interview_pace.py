"""Having interviews begin one after the other, while a thousand chargers come at once."""

INTERVAL_S = 0.02
"""Fifty begin in a second: few enough that what they take in memory stays small and is used again,
and a site of a thousand chargers is through in 20 s."""
AT_ONCE = 50
"""So many need not wait: at most sites, all."""


class InterviewPace:
    """Where the interviews of one server line up, in s of the event loop's clock.

    It counts beginnings, not interviews under way: a charger that does not answer holds up nobody.
    """

    def __init__(self) -> None:
        """Let the first ones begin at once."""
        self._next_at = 0.0

    def take(self, now: float) -> float:
        """Take the next place; return how long it is until then."""
        due_at = max(now, self._next_at)
        self._next_at = due_at + INTERVAL_S
        return max(due_at - now - AT_ONCE * INTERVAL_S, 0.0)
