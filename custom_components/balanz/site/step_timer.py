"""When a running site takes its next step: soon after news, but once for all that came together."""

import asyncio
import logging
from collections.abc import Callable, Sized

COALESCE_S = 0.02
"""How long events are gathered before a step; many come in one message or one tick."""
PATIENT_ABOVE = 50
PATIENCE_PER_CONNECTOR_S = 0.001
MOST_PATIENCE_S = 0.9
"""Above so many connectors, steps cost so much that news are gathered for longer.

A cut may take a second. What the meters tell, which is why nearly all cuts are made, waits for
nothing.
"""
RETRY_STEP_S = 1.0

_LOGGER = logging.getLogger(__name__)


class StepTimer:
    """Calls for steps, one at a time. All methods are for the event loop of the site."""

    def __init__(self, *, connectors: Sized, step: Callable[[float], None]) -> None:
        """Call for nothing before `running` is set; `step` is called with the loop's time."""
        self.running = False
        """Whether steps are taken."""
        self._connectors = connectors
        self._take_step = step
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Return the loop's time, in s."""
        return asyncio.get_running_loop().time()

    @property
    def patience_s(self) -> float:
        """How long what may wait does so, that more of it shares a step; 0 at usual sites."""
        extra = max(len(self._connectors) - PATIENT_ABOVE, 0)
        return min(PATIENCE_PER_CONNECTOR_S * extra, MOST_PATIENCE_S)

    def soon(self) -> None:
        """Have a step taken as soon as what may wait has been gathered."""
        self.within(self.patience_s)

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
        """Take a step now. One that fails is tried again."""
        if not self.running:
            return
        self._cancel()
        try:
            self._take_step(self.now())
        except Exception:
            # Nobody else would step again, and chargers that wait for a cut must not.
            _LOGGER.exception("A step failed; it is tried again")
            self.within(RETRY_STEP_S)

    def stop(self) -> None:
        """Take no more steps."""
        self.running = False
        self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
