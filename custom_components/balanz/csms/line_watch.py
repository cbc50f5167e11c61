"""Finding out that a peer has vanished without a word.

What tells that a charger lives is what it sends. One that is silent is asked with a ping, but many
never answer any, and some hang up; such a one is asked no more, and is judged by its silence alone.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

from .rpc_errors import ConnectionLost

PING_AFTER_S = 45.0
PONG_TIMEOUT_S = 20.0
TRIES = 2
HANG_UPS = 2
"""How often a line has to be lost over a ping to be taken for the charger's doing."""


class Pings:
    """What one charger makes of pings, over all of its connections."""

    def __init__(self, *, are_taken: bool = True) -> None:
        """Ask it, unless it is known to hang up."""
        self.are_taken = are_taken
        """Whether it may be asked, as far as is known of its make."""
        self._hang_ups = 0

    @property
    def allowed(self) -> bool:
        """Whether it may be asked, as far as is known of itself as well."""
        return self.are_taken and self._hang_ups < HANG_UPS

    def answered(self) -> None:
        """Learn that it has answered one."""
        self._hang_ups = 0

    def hung_up(self) -> None:
        """Learn that the line was lost instead of an answer."""
        self._hang_ups += 1


class Line(Protocol):
    """What can be watched."""

    @property
    def heard_at(self) -> float:
        """When anything came from the peer last, in s of the event loop's clock."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether it has ended at the peer's side."""
        ...

    async def ping(self, timeout_s: float) -> bool:
        """Return whether the peer answers a ping in time. Raises ConnectionLost."""
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...


async def watch_line(
    line: Line, pings: Pings, *, silence_limit_s: float, ping_after_s: float = PING_AFTER_S
) -> None:
    """Drop a line once nothing lives at its other end; return then, or when it is gone."""
    loop = asyncio.get_running_loop()
    answers = False
    missed = 0
    with suppress(ConnectionLost):
        while True:
            heard_at = line.heard_at
            silent_s = loop.time() - heard_at
            is_asked = pings.allowed and (answers or missed < TRIES)
            due_s = min(ping_after_s, silence_limit_s) if is_asked else silence_limit_s
            if silent_s >= silence_limit_s or (answers and missed >= TRIES):
                line.abort()
                return
            if silent_s < due_s:
                await asyncio.sleep(due_s - silent_s)
            elif await _answers(
                line, pings, timeout_s=min(PONG_TIMEOUT_S, silence_limit_s - silent_s)
            ):
                answers, missed = True, 0
                pings.answered()
            elif answers and line.heard_at > heard_at:
                missed = 0
            else:
                missed += 1


async def _answers(line: Line, pings: Pings, *, timeout_s: float) -> bool:
    """Return whether the peer answers a ping in time. Raises ConnectionLost."""
    try:
        return await line.ping(timeout_s)
    finally:
        # Whoever reads from the line may notice first, and end the watch.
        if line.is_lost:
            pings.hung_up()
