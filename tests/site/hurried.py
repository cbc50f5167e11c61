"""An event loop in which a minute takes some four seconds, for sites and chargers alike.

Everything that waits does so by the loop's clock, so that lags, time-outs and windows keep their
proportions. Sockets and disks are the real ones, at their real speed.
"""

import asyncio
import selectors
from datetime import UTC, datetime

from simulator.clock import Clock

FACTOR = 16.0


class _HurriedSelector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / FACTOR)


class HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_HurriedSelector())

    def time(self) -> float:
        return super().time() * FACTOR


class LoopClock(Clock):
    """The clock of chargers that live in such a loop. Their calendar is the real one."""

    def seconds(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
