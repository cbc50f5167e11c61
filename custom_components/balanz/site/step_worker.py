"""Where the steps of a running site are decided: in its event loop, or in a thread beside it.

At most sites a step takes a few milliseconds. At very large ones it takes longer than an event loop
may be held up; then a thread decides, from values that nobody changes, and what follows from it is
done in portions.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import thread_time
from typing import overload

from ..balancing.control import AllFits, Result

AWAY_ABOVE_S = 0.010
"""A step that takes longer is not for the event loop."""
BACK_BELOW_S = 0.005
STEPS_IN_A_ROW = 5
"""So many have to agree: one alone may have been held up by something else."""
MOST_OUTDATED = 3
"""So many steps in a row may come too late for some of what they came to. The next one is decided
in the event loop, lest a meter that tells faster than a thread decides keeps cars waiting for ever.
"""
PORTION_S = 0.004
"""For so long the event loop does the work of a step at a stretch."""


class StepWorker:
    """Decides steps elsewhere, and knows when that is worth it. Times are processor time, in s."""

    def __init__(self) -> None:
        """Begin in the event loop."""
        self.pauses = 0
        """How often others could have had the event loop in the middle of a step."""
        self._slow = False
        self._in_a_row = 0
        self._outdated = 0
        self._executor: ThreadPoolExecutor | None = None

    @property
    def away(self) -> bool:
        """Whether the next step is to be decided elsewhere."""
        return self._slow and self._outdated < MOST_OUTDATED

    def sent(self, *, all_of_it: bool) -> None:
        """Learn whether all that a step came to was sent, or news came before."""
        self._outdated = 0 if all_of_it else self._outdated + 1

    def took(self, worked_s: float) -> None:
        """Learn how long a step has taken, wherever that was."""
        speaks_for_change = worked_s < BACK_BELOW_S if self._slow else worked_s > AWAY_ABOVE_S
        self._in_a_row = self._in_a_row + 1 if speaks_for_change else 0
        if self._in_a_row == STEPS_IN_A_ROW:
            self._slow, self._in_a_row = not self._slow, 0

    async def decide(
        self, deciding: Callable[[], Result | AllFits]
    ) -> tuple[Result | AllFits, float]:
        """Return what a step comes to, worked out in another thread, and how long that took."""
        if self._executor is None:
            # Its own, so that no slow disk of others keeps a cut waiting.
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="balanz-step")
        loop = asyncio.get_running_loop()
        try:
            decided = await loop.run_in_executor(self._executor, _timed, deciding)
        except Exception:
            # No thread may be to be had; the next step is decided where it surely can be.
            self._slow, self._in_a_row = False, 0
            raise
        self.pauses += 1
        return decided

    @overload
    async def in_portions(self, work: Iterator[None]) -> float: ...

    @overload
    async def in_portions(
        self, work: Iterator[None], *, leave_off: Callable[[], bool] | None
    ) -> float | None: ...

    async def in_portions(
        self, work: Iterator[None], *, leave_off: Callable[[], bool] | None = None
    ) -> float | None:
        """Do work that may be interrupted at each of its parts; return how long it took.

        It is left undone once `leave_off` says so after an interruption; then return None.
        """
        worked_s, began_s = 0.0, thread_time()
        for _ in work:
            taken_s = thread_time() - began_s
            if taken_s >= PORTION_S:
                worked_s += taken_s
                await asyncio.sleep(0)
                self.pauses += 1
                if leave_off is not None and leave_off():
                    return None
                began_s = thread_time()
        return worked_s + thread_time() - began_s

    async def stop(self) -> None:
        """End the thread, if there is one, once it has nothing to do."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(None, executor.shutdown)


def _timed(deciding: Callable[[], Result | AllFits]) -> tuple[Result | AllFits, float]:
    began_s = thread_time()
    return deciding(), thread_time() - began_s
