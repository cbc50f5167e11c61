"""How long callbacks hold an event loop, and what is going on when they do."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from .visit import Presence, Visit

NOTED_FROM_MS = 5.0
"""Half of what no callback may take."""
MOST_NOTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A callback that has held the loop for long."""

    held_ms: float
    """How long, in processor time."""
    own_ms: float
    """The same less the rounds of the garbage collector, which looks at what the fuzzer has made
    as well."""
    callback: str
    visits: tuple[Visit, ...]
    """Who was there, or has left just before."""


class StallWatch:
    """Measures each callback of one loop, which runs in a thread of its own.

    Processor time does not count other programs. It does count what a virtual machine's host does
    behind its back, which is why a stall is worth little until the same visits bring it about
    again: `lap` tells the longest one of a while.
    """

    def __init__(self, presence: Presence) -> None:
        self.longest_ms = 0.0
        self.longest_own_ms = 0.0
        self.noted: list[Stall] = []
        """Those from `NOTED_FROM_MS` on, and of more than `MOST_NOTED` the longest."""
        self._presence = presence
        self._lap_ms = 0.0
        self._collecting = _CollectorTime()

    @contextmanager
    def over(self, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> Iterator[None]:
        """Watch the loop of a thread for as long as the context lasts."""
        handle = patch.object(asyncio.Handle, "_run", self._timed(loop, asyncio.Handle._run))  # noqa: SLF001
        with self._collecting.watched(thread), handle:
            yield

    def lap(self) -> float:
        """Return the longest own stall since this was asked last, ms."""
        lap_ms, self._lap_ms = self._lap_ms, 0.0
        return lap_ms

    def _timed(self, loop: asyncio.AbstractEventLoop, run: Any) -> Any:
        collecting = self._collecting

        def timed(handle: Any) -> None:
            if handle._loop is not loop:  # noqa: SLF001
                run(handle)
                return
            started_s, collected_s = time.thread_time(), collecting.held_s
            run(handle)
            held_ms = (time.thread_time() - started_s) * 1e3
            own_ms = held_ms - (collecting.held_s - collected_s) * 1e3
            self.longest_ms = max(self.longest_ms, held_ms)
            self.longest_own_ms = max(self.longest_own_ms, own_ms)
            self._lap_ms = max(self._lap_ms, own_ms)
            if own_ms >= NOTED_FROM_MS:
                self._note(handle, held_ms, own_ms)

        return timed

    def _note(self, handle: Any, held_ms: float, own_ms: float) -> None:
        visits = self._presence.now()
        self.noted.append(
            Stall(held_ms=held_ms, own_ms=own_ms, callback=repr(handle), visits=visits)
        )
        if len(self.noted) > MOST_NOTED:
            self.noted.remove(min(self.noted, key=lambda stall: stall.own_ms))


class _CollectorTime:
    """How long the garbage collector has held one thread, in its processor time."""

    def __init__(self) -> None:
        self.held_s = 0.0
        self._begun_s = 0.0
        self._thread: threading.Thread | None = None

    @contextmanager
    def watched(self, thread: threading.Thread) -> Iterator[None]:
        """Watch for as long as the context lasts."""
        self._thread = thread
        gc.callbacks.append(self._note)
        try:
            yield
        finally:
            gc.callbacks.remove(self._note)

    def _note(self, phase: str, _info: dict[str, int]) -> None:
        if threading.current_thread() is not self._thread:
            return
        if phase == "start":
            self._begun_s = time.thread_time()
        else:
            self.held_s += time.thread_time() - self._begun_s
