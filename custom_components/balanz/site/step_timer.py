"""When a running site takes its next step: soon after news, but once for all that came together.

At large sites a whole step costs much, and most news change nothing. After those it only takes a
glance: a step that goes on where something has to be cut. A whole one follows a little later.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sized
from contextlib import contextmanager
from heapq import heappop, heappush
from math import inf

COALESCE_S = 0.01
"""How long events are gathered before a step; many come in one message or one tick."""
PATIENT_ABOVE = 50
PATIENCE_PER_CONNECTOR_S = 0.001
MOST_PATIENCE_S = 0.7
"""Above so many connectors, steps cost so much that news are gathered for longer.

A cut may take a second. What the meters tell, which is why nearly all cuts are made, waits for
nothing.
"""
GLANCES = 8
"""So many times as long a whole step may wait where a glance is enough as yet."""
RETRY_STEP_S = 1.0

type Rest = Coroutine[object, object, None]
"""What is left of a step that is not taken in one go."""

_LOGGER = logging.getLogger(__name__)


class StepTimer:
    """Calls for steps, one at a time. All methods are for the event loop of the site."""

    def __init__(
        self,
        *,
        connectors: Sized,
        step: Callable[[float, bool], Rest | None],
        spawn: Callable[[Rest], asyncio.Task[None]],
    ) -> None:
        """Call for nothing before `running` is set.

        `step` is called with the loop's time, and with whether a whole step is due; what it
        returns is awaited before the next one.
        """
        self.running = False
        """Whether steps are taken."""
        self._connectors = connectors
        self._take_step = step
        self._spawn = spawn
        self._timer: asyncio.TimerHandle | None = None
        self._whole_at = inf
        """When a whole step is due."""
        self._put_off = inf
        """When one was due that the glance under way may come to."""
        self._glances_at: list[float] = []
        """When time alone changes something; a heap."""
        self._under_way: asyncio.Task[None] | None = None
        self._again_at: float | None = None
        """When a step has become due while another one is under way."""

    def now(self) -> float:
        """Return the loop's time, in s."""
        return asyncio.get_running_loop().time()

    @property
    def patience_s(self) -> float:
        """How long what may wait does so, that more of it shares a step; 0 at usual sites."""
        extra = max(len(self._connectors) - PATIENT_ABOVE, 0)
        return min(PATIENCE_PER_CONNECTOR_S * extra, MOST_PATIENCE_S)

    @property
    def is_next_one_due(self) -> bool:
        """Whether another whole step has become due while one is under way."""
        return self._again_at is not None and self._whole_at <= self.now()

    def soon(self) -> None:
        """Have a step taken as soon as what may wait has been gathered."""
        self.within(self.patience_s)

    def glance_soon(self) -> None:
        """Have a glance taken that soon, and a whole step later."""
        self.glance_within(self.patience_s)

    def by(self, at: float) -> None:
        """Have a step taken once a time has come that changes something by itself.

        At a large site there are many such times, which are gathered as news are.
        """
        self.within(max(at - self.now(), COALESCE_S, self.patience_s))

    def glance_by(self, at: float) -> None:
        """Have a glance taken once such a time has come, and a whole step later."""
        if self.running:
            at = max(at, self.now() + max(self.patience_s, COALESCE_S))
            heappush(self._glances_at, at)
            self._glance_at(at)

    def all_fits(self, wake_at: float | None) -> None:
        """Learn that a glance found nothing to cut; a whole step is still to come.

        `wake_at` is when time alone may change that.
        """
        self._whole_at = min(self._whole_at, self._put_off)
        self._wake_by(self._whole_at)
        if wake_at is not None:
            self.glance_by(wake_at)

    def within(self, delay_s: float) -> None:
        """Have a step taken after so long at the latest."""
        at = self.now() + delay_s
        self._whole_at = min(self._whole_at, at)
        self._wake_by(at)

    def glance_within(self, delay_s: float) -> None:
        """Have a glance taken after so long at the latest, and a whole step later."""
        self._glance_at(self.now() + delay_s)

    def step(self) -> None:
        """Take a step now, or soon after the one before is over. One that fails is tried again."""
        self._whole_at = min(self._whole_at, self.now())
        self._wake()

    def overtake(self) -> None:
        """Take a step now; the one that is under way looks at a site that is no more."""
        self._give_up()
        self.step()

    def stop(self) -> None:
        """Take no more steps."""
        self.running = False
        self._cancel()
        self._give_up()

    def _glance_at(self, at: float) -> None:
        self._whole_at = min(self._whole_at, at + (GLANCES - 1) * self.patience_s)
        self._wake_by(at)

    def _wake_by(self, at: float) -> None:
        if not self.running:
            return
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self._wake)

    def _wake(self) -> None:
        if not self.running:
            return
        self._cancel()
        if self._under_way is not None:
            if self._again_at is None:
                self._again_at = self.now()
            return
        now = self.now()
        # A timer may come a little early, and what is due in a moment shares the step.
        is_whole = self._whole_at <= now + COALESCE_S
        self._put_off, self._whole_at = self._whole_at, inf
        while self._glances_at and (is_whole or self._glances_at[0] <= now):
            heappop(self._glances_at)
        if self._glances_at:
            self._wake_by(self._glances_at[0])
        with self._tried_again():
            rest = self._take_step(now, is_whole)
            if rest is not None:
                self._begin(rest)

    def _begin(self, rest: Rest) -> None:
        task = self._spawn(self._take_rest(rest))
        if not task.done():
            self._under_way = task
            task.add_done_callback(self._over)

    async def _take_rest(self, rest: Rest) -> None:
        with self._tried_again():
            await rest

    def _over(self, task: asyncio.Task[None]) -> None:
        """Call for the step that has become due meanwhile, unless another one is under way."""
        if self._under_way is task:
            self._under_way = None
            if self._again_at is not None:
                # What a meter tells comes phase by phase, and may not all be here.
                at = max(self._again_at + COALESCE_S, self.now())
                self._again_at = None
                self._wake_by(at)

    def _give_up(self) -> None:
        if self._under_way is not None:
            self._under_way.cancel()
            self._under_way = self._again_at = None

    @contextmanager
    def _tried_again(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            # Nobody else would step again, and chargers that wait for a cut must not.
            _LOGGER.exception("A step failed; it is tried again")
            self.within(RETRY_STEP_S)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
