"""A central system in a thread of its own, with a watch over how long its event loop is held."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from custom_components.balanz.csms.capabilities import MAX_CONNECTORS
from custom_components.balanz.csms.events import BootInfo, ConnectorStatus
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.transactions import Transaction, TransactionBook
from custom_components.balanz.storage.journal import Journal

type State = tuple[dict[int, ConnectorStatus], BootInfo | None, list[Transaction | None]]


class CentralThread:
    """A real central system, as far from the fuzzer as one process allows."""

    def __init__(self, folder: Path, identities: list[str]) -> None:
        self.longest_stall_ms = 0.0
        """The longest time that one callback has held the loop, in processor time."""
        self.longest_own_stall_ms = 0.0
        """The same less the rounds of the garbage collector meanwhile: it looks at what the fuzzer
        has made as well."""
        self.collector = _CollectorTime()
        self.port = 0
        self._identities = identities
        self._journal = Journal(folder / "journal.jsonl")
        self._book = TransactionBook(self._journal)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def running(self) -> Iterator[CentralThread]:
        """Start it, and stop it in the end."""
        self._thread.start()
        self._started.wait()
        try:
            with (
                self.collector.watched(self._thread),
                patch.object(asyncio.Handle, "_run", _timed(self, asyncio.Handle._run)),  # noqa: SLF001
            ):
                yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def is_loop(self, loop: object) -> bool:
        """Return whether this is the loop of the central system."""
        return loop is self._loop

    def state(self, identity: str) -> State:
        """Return what a charger has made the central system believe."""
        station = self._central.stations[identity]
        connectors = range(-1, MAX_CONNECTORS + 1)
        return (
            dict(station.statuses),
            station.boot,
            [self._book.open_at(identity, connector) for connector in connectors],
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    async def _start(self) -> None:
        await self._journal.open()
        settings = ServerSettings(host="127.0.0.1", port=0)
        self._central = CentralSystem(settings, lambda _event: None, self._book)
        self._central.set_known(self._identities)
        await self._central.start()
        self.port = self._central.port

    async def _stop(self) -> None:
        await self._central.stop()
        await self._journal.close()


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


def _timed(central: CentralThread, run: Any) -> Any:
    collector = central.collector

    def timed(handle: Any) -> None:
        if not central.is_loop(handle._loop):  # noqa: SLF001
            run(handle)
            return
        started_s, collected_s = time.thread_time(), collector.held_s
        run(handle)
        held_ms = (time.thread_time() - started_s) * 1e3
        own_ms = held_ms - (collector.held_s - collected_s) * 1e3
        central.longest_stall_ms = max(central.longest_stall_ms, held_ms)
        central.longest_own_stall_ms = max(central.longest_own_stall_ms, own_ms)

    return timed
