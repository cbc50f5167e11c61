"""A quick look at a group of a very large site, as soon as its meter has told something.

There a step takes so long that a thread decides it, which shares the interpreter with all else: a
tenth of a second passes before a cut leaves. Most cuts are needed in one small group, and to find
those takes a millisecond.
"""

import asyncio
import logging

from ..balancing.model import Site
from ..balancing.part import cuts_in, part_of
from .control import Control
from .dispatch import Dispatcher
from .layout import Layout
from .step_timer import COALESCE_S
from .step_worker import StepWorker

MOST_CONNECTORS = 20
"""A look at a group with more of them, and cutting all of those in one go, would hold up the event
loop; a step has to do there, which is carried out in portions."""

_LOGGER = logging.getLogger(__name__)


class GroupLooks:
    """Looks at groups, and sends what surely has to be cut there; the step that follows knows."""

    def __init__(
        self, *, layout: Layout, control: Control, dispatcher: Dispatcher, worker: StepWorker
    ) -> None:
        """Look at nothing as yet."""
        self._layout = layout
        self._control = control
        self._dispatcher = dispatcher
        self._worker = worker
        self._due: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._site: Site | None = None
        self._parts: dict[str, Site | None] = {}
        """Those of this site that were to be looked at, by group; None for too large ones."""

    def soon(self, group_id: str) -> None:
        """Have a group looked at once all that its meter tells may be here.

        Where steps are decided in the event loop they come as soon.
        """
        if not self._worker.away:
            return
        self._due.add(group_id)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(COALESCE_S, self._look)

    def stop(self) -> None:
        """Look at nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        due, self._due = self._due, set()
        if self._layout.outdated:
            # The step that comes now builds the site anew.
            return
        for group_id in sorted(due & self._layout.site.groups.keys()):
            try:
                self._look_at(group_id)
            except Exception:
                _LOGGER.exception("A look at %s failed; a step follows", group_id)

    def _look_at(self, group_id: str) -> None:
        now = asyncio.get_running_loop().time()
        part = self._part(group_id)
        if part is None:
            return
        inputs = self._control.inputs_in(part, now)
        for command in cuts_in(part, inputs, self._control.state, now):
            self._dispatcher.dispatch(command, now)

    def _part(self, group_id: str) -> Site | None:
        site = self._layout.site
        if self._site is not site:
            self._site, self._parts = site, {}
        if group_id not in self._parts:
            inside = sum(site.contains(group_id, it.group_id) for it in site.connectors.values())
            is_small = inside <= MOST_CONNECTORS
            self._parts[group_id] = part_of(site, group_id) if is_small else None
        return self._parts[group_id]
