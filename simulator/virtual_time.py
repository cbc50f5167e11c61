"""An event loop in which waiting takes no time: sockets and files are real, hours pass in seconds.

Whenever nothing is left to do, the loop's clock jumps to the next timer. Work for executors runs at
once, in the loop's own thread, so that no clock moves while a disk is being written.
"""

import asyncio
import selectors
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from unittest.mock import patch

from .clock import Clock

EPOCH = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""The wall time at which such loops begin: noon of a Monday."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which begins at 0."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the virtual time, s."""
        return self.now_s

    # typeshed has a signature that mypy cannot match with type variables of its own.
    def run_in_executor(  # type: ignore[override]
        self, _: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run the function now, whatever executor it is meant for."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for no threads: none is ever used."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: what is ready now is served, or else the time has come."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # On the loopback interface a frame has arrived by the time that sending it returns.
        ready = super().select(0)
        if timeout is None and not ready:
            return super().select(None)
        if timeout is not None and timeout > 0 and not ready:
            self._loop.now_s += timeout
        return ready


def wall_time() -> datetime:
    """Return the wall time of the virtual loop that runs."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


class VirtualClock(Clock):
    """The clock of chargers that live in such a loop."""

    def seconds(self) -> float:
        """Seconds since the loop began."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The loop's wall time, in UTC."""
        return wall_time()

    async def sleep(self, seconds: float) -> None:
        """Sleep virtual seconds."""
        await asyncio.sleep(max(0.0, seconds))


class _AnyDatetime(type):
    """Lets ordinary datetimes pass for virtual ones."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class _VirtualDatetime(datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return wall_time().astimezone(tz)


@contextmanager
def virtual_calendar(package: str) -> Iterator[None]:
    """Let all loaded modules of a package read the wall time from the virtual loop that runs."""
    loaded = [
        module
        for name, module in sys.modules.items()
        if name.startswith(f"{package}.") and vars(module).get("datetime") is datetime
    ]
    patches = [patch.object(module, "datetime", _VirtualDatetime) for module in loaded]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()
