"""Whose turn it is to send: one call at a time, urgent ones first."""

import asyncio

from .rpc_errors import ConnectionLost, LineBusy

MAX_WAITING = 32
RESERVED_FOR_S = 1.0
"""How long a free line is kept for an urgent call; whoever reserves it decides anew meanwhile."""


class LineQueue:
    """A lock with an urgent lane."""

    def __init__(self) -> None:
        self.busy = False
        """Whether somebody holds the line."""
        self._lost = False
        self._reserved = False
        self._reservation_ends: asyncio.TimerHandle | None = None
        # Lists, since few ever wait, and two empty deques are a kilobyte and a half.
        self._urgent: list[asyncio.Future[None]] = []
        self._normal: list[asyncio.Future[None]] = []

    @property
    def free(self) -> bool:
        """Whether whoever asks for it has it at once."""
        return not self.busy and not self._reserved

    def reserve(self) -> None:
        """Keep the line free for a moment once it is, but for an urgent call.

        Those who always have another call ready would leave none between two of them, in which to
        decide on an urgent one.
        """
        self._reserved = self._reserved or self.busy

    async def acquire(self, *, urgent: bool, timeout_s: float) -> None:
        """Wait for the line. Raises LineBusy if that takes too long, or ConnectionLost."""
        if self._lost:
            raise ConnectionLost(sent=False)
        if not self.busy and (urgent or not self._reserved):
            self._occupy()
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
        if self._hand_to(self._urgent):
            return
        if self._reserved:
            loop = asyncio.get_running_loop()
            self._reservation_ends = loop.call_later(RESERVED_FOR_S, self._end_reservation)
            return
        self._hand_to(self._normal)

    def fail(self) -> None:
        """Let all who wait know that the connection is lost."""
        self._lost = True
        self._forget_reservation()
        for lane in (self._urgent, self._normal):
            while lane:
                turn = lane.pop(0)
                if not turn.done():
                    turn.set_exception(ConnectionLost(sent=False))

    def _occupy(self) -> None:
        self.busy = True
        self._forget_reservation()

    def _hand_to(self, lane: list[asyncio.Future[None]]) -> bool:
        """Return whether somebody in a lane has the line now."""
        while lane:
            turn = lane.pop(0)
            if not turn.done():
                self._occupy()
                turn.set_result(None)
                return True
        return False

    def _end_reservation(self) -> None:
        self._forget_reservation()
        self._hand_to(self._normal)

    def _forget_reservation(self) -> None:
        self._reserved = False
        if self._reservation_ends is not None:
            self._reservation_ends.cancel()
            self._reservation_ends = None
