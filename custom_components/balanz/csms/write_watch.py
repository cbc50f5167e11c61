"""Finding out that a peer reads nothing any more of what it is sent."""

import asyncio
from collections.abc import Callable


class WriteWatch:
    """Watches the writes of one connection, with one timer for any number of them."""

    def __init__(self, give_up: Callable[[], None], *, timeout_s: float) -> None:
        """Call `give_up` once writes wait and none has ended for so long."""
        self._give_up = give_up
        self._timeout_s = timeout_s
        self._writing = 0
        self._waiting_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Learn that a write has begun."""
        if not self._writing:
            self._waiting_since = self._loop.time()
        self._writing += 1
        if self._timer is None:
            self._look_after(self._timeout_s)

    def done(self) -> None:
        """Learn that a write has ended, however."""
        self._writing -= 1
        if self._writing:
            self._waiting_since = self._loop.time()

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_after(self, delay_s: float) -> None:
        self._timer = self._loop.call_later(delay_s, self._look)

    def _look(self) -> None:
        """Give up, or look again when the time will be up; without writes there is no timer."""
        self._timer = None
        if not self._writing:
            return
        left_s = self._waiting_since + self._timeout_s - self._loop.time()
        if left_s > 0.0:
            self._look_after(left_s)
        else:
            self._give_up()
