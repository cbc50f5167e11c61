"""Taking turns with all else in the event loop, while a thousand chargers speak at once."""

import asyncio
from collections import deque

AT_ONCE = 16
"""So many messages are served in each round of the event loop: some 5 ms of work."""


class Turnstile:
    """Lets so many in at each round of the event loop, whoever came first.

    A loop runs all that is ready before it looks at its timers again. If all chargers of a large
    site speak in the same moment, that is hundreds of milliseconds, in which nobody could be cut.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """Let everybody in as long as few come."""
        self._at_once = at_once
        self._entered = 0
        """How many were let in in this round."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turns = False

    async def enter(self) -> None:
        """Return at once, or when those are through who came before."""
        loop = asyncio.get_running_loop()
        if not self._turns:
            self._turns = True
            loop.call_soon(self._turn)
        if self._entered < self._at_once and not self._waiting:
            self._entered += 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _turn(self) -> None:
        """Begin another round."""
        self._entered = 0
        while self._waiting and self._entered < self._at_once:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._entered += 1
        self._turns = self._entered > 0
        if self._turns:
            asyncio.get_running_loop().call_soon(self._turn)
