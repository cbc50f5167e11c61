"""The tasks that a running site has started, so that none outlives it."""

import asyncio
from collections.abc import Coroutine


class Tasks:
    """Starts tasks, and ends those that still run."""

    def __init__(self) -> None:
        """Start with none."""
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start at once, so that nothing comes between a decision and the wire."""
        task = asyncio.get_running_loop().create_task(work, eager_start=True)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def cancel(self) -> None:
        """End all that still run, and wait for them."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
