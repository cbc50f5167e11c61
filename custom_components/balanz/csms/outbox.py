"""Whose turn it is to send: one call at a time, urgent ones first."""

import asyncio
from collections import deque

from .rpc_errors import ConnectionLost, LineBusy

MAX_WAITING = 32


class LineQueue:
    """A lock with an urgent lane."""

    def __init__(self) -> None:
        self.busy = False
        """Whether somebody holds the line."""
        self._lost = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._normal: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, urgent: bool, timeout_s: float) -> None:
        """Wait for the line. Raises LineBusy if that takes too long, or ConnectionLost."""
        if self._lost:
            raise ConnectionLost(sent=False)
        if not self.busy:
            self.busy = True
            return
        lane = self._urgent if urgent else self._normal
        if len(lane) >= MAX_WAITING:
            raise LineBusy("too many calls wait for the line")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.append(turn)
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn in lane:
                lane.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self.release()
            if isinstance(error, TimeoutError):
                raise LineBusy("the line was not free in time") from None
            raise
        if self._lost:
            raise ConnectionLost(sent=False)

    def release(self) -> None:
        """Hand the line to the next who waits."""
        self.busy = False
        for lane in (self._urgent, self._normal):
            while lane:
                turn = lane.popleft()
                if not turn.done():
                    self.busy = True
                    turn.set_result(None)
                    return

    def fail(self) -> None:
        """Let all who wait know that the connection is lost."""
        self._lost = True
        for lane in (self._urgent, self._normal):
            while lane:
                turn = lane.popleft()
                if not turn.done():
                    turn.set_exception(ConnectionLost(sent=False))
