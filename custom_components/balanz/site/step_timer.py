"""When a running site takes its next step: soon after news, but once for all that came together."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sized
from contextlib import contextmanager

COALESCE_S = 0.01
"""How long events are gathered before a step; many come in one message or one tick."""
PATIENT_ABOVE = 50
PATIENCE_PER_CONNECTOR_S = 0.001
MOST_PATIENCE_S = 0.7
"""Above so many connectors, steps cost so much that news are gathered for longer.

A cut may take a second. What the meters tell, which is why nearly all cuts are made, waits for
nothing.
"""
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
        step: Callable[[float], Rest | None],
        spawn: Callable[[Rest], asyncio.Task[None]],
    ) -> None:
        """Call for nothing before `running` is set.

        `step` is called with the loop's time; what it returns is awaited before the next one.
        """
        self.running = False
        """Whether steps are taken."""
        self._connectors = connectors
        self._take_step = step
        self._spawn = spawn
        self._timer: asyncio.TimerHandle | None = None
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
        """Whether another step has become due while one is under way."""
        return self._again_at is not None

    def soon(self) -> None:
        """Have a step taken as soon as what may wait has been gathered."""
        self.within(self.patience_s)

    def by(self, at: float) -> None:
        """Have a step taken once a time has come that changes something by itself.

        At a large site there are many such times, which are gathered as news are.
        """
        self.within(max(at - self.now(), COALESCE_S, self.patience_s))

    def within(self, delay_s: float) -> None:
        """Have a step taken after so long at the latest."""
        if not self.running:
            return
        at = self.now() + delay_s
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at, self.step)

    def step(self) -> None:
        """Take a step now, or soon after the one before is over. One that fails is tried again."""
        if not self.running:
            return
        self._cancel()
        if self._under_way is not None:
            if self._again_at is None:
                self._again_at = self.now()
            return
        with self._tried_again():
            rest = self._take_step(self.now())
            if rest is not None:
                self._begin(rest)

    def overtake(self) -> None:
        """Take a step now; the one that is under way looks at a site that is no more."""
        self._give_up()
        self.step()

    def stop(self) -> None:
        """Take no more steps."""
        self.running = False
        self._cancel()
        self._give_up()

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
                gathered_s = self.now() - self._again_at
                self._again_at = None
                self.within(max(COALESCE_S - gathered_s, 0.0))

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
