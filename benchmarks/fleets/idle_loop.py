"""How late an event loop is that has nothing to do: what the machine makes of any loop."""

import asyncio

TICK_S = 0.01


class IdleLoop:
    """Wakes up at each tick, and notes how late. A tick that was slept through counts as well."""

    def __init__(self) -> None:
        """Begin in the running loop."""
        self.delays_s: list[float] = []
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Note no more."""
        self._task.cancel()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time() + TICK_S
        while True:
            await asyncio.sleep(due_at - loop.time())
            now = loop.time()
            while due_at <= now:
                self.delays_s.append(now - due_at)
                due_at += TICK_S
