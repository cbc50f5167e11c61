"""Having interviews begin one after the other, while a thousand chargers come at once."""

import asyncio

INTERVAL_S = 0.02
"""No more than fifty begin in a second: few enough that what they take in memory stays small and
is used again, and a site of a thousand chargers is through in 20 s."""
AT_ONCE = 50
"""So many need not wait: at most sites, all."""
LULL_S = 1.0
"""After so long without a beginning, as many may begin at once again."""


class InterviewPace:
    """Where the interviews of one server line up.

    It counts beginnings, not interviews under way: a charger that does not answer holds up nobody.
    Each waits for the one before to begin, so that a busy event loop has fewer of them to do.
    """

    def __init__(self) -> None:
        """Let the first ones begin at once."""
        self._door = asyncio.Lock()
        self._began = 0
        """How many have since the last lull."""
        self._last_at = 0.0

    async def take(self) -> None:
        """Wait until the next one may begin."""
        loop = asyncio.get_running_loop()
        async with self._door:
            if loop.time() - self._last_at >= LULL_S:
                self._began = 0
            if self._began >= AT_ONCE:
                await asyncio.sleep(INTERVAL_S)
            self._began += 1
            self._last_at = loop.time()
