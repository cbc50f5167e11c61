"""Hands new snapshots to those that look on."""

import logging
from collections.abc import Callable

from .snapshot import Problem, SiteSnapshot

_LOGGER = logging.getLogger(__name__)


class SnapshotFeed:
    """Keeps the newest snapshot, and tells its listeners and the log what is new."""

    def __init__(self) -> None:
        """Start with a snapshot of nothing."""
        self.newest = SiteSnapshot(
            groups={}, chargers={}, problems=(), pending=(), refused=(), pairing_until=None
        )
        self._listeners: set[Callable[[], None]] = set()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after each new snapshot, until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def publish(self, snapshot: SiteSnapshot) -> None:
        """Make a snapshot the newest one, unless nothing has changed."""
        if snapshot == self.newest:
            return
        _log_problems(self.newest.problems, snapshot.problems)
        self.newest = snapshot
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                # Whoever looks on must cost neither the chargers nor the others anything.
                _LOGGER.exception("A listener failed")


def _log_problems(before: tuple[Problem, ...], after: tuple[Problem, ...]) -> None:
    known = {(problem.kind, problem.subject) for problem in before}
    lasting = {(problem.kind, problem.subject) for problem in after}
    for problem in after:
        if (problem.kind, problem.subject) not in known:
            _LOGGER.warning("Problem %s", _told(problem))
    for problem in before:
        if (problem.kind, problem.subject) not in lasting:
            _LOGGER.info("Over: problem %s", _told(problem))


def _told(problem: Problem) -> str:
    """Return a problem as a line of a log."""
    return ", ".join(
        [problem.kind, *(f"{name} {value}" for name, value in problem.placeholders.items())]
    )
