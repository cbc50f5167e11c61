"""Who visits the central system, and who is there."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LEFT_LATELY = 4
"""How many that have gone may still be seen to: their sockets are closed after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One connection; its number decides what is sent on it."""

    number: int
    talks: bool
    """Whether it says something, or is a bad handshake only."""


class Presence:
    """The visits that are going on. It is written in one thread, and may be read in any."""

    def __init__(self) -> None:
        self._here: tuple[Visit, ...] = ()
        self._left: deque[Visit] = deque(maxlen=LEFT_LATELY)

    @contextmanager
    def of(self, visit: Visit) -> Iterator[None]:
        """Be there for as long as the context lasts."""
        self._here = (*self._here, visit)
        try:
            yield
        finally:
            self._here = tuple(other for other in self._here if other is not visit)
            self._left.append(visit)

    def now(self) -> tuple[Visit, ...]:
        """Return who is there, or has left just before."""
        return (*self._here, *self._left.copy())
