"""A central system in a thread of its own, with a watch over how long its event loop is held."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custom_components.balanz.csms.capabilities import MAX_CONNECTORS
from custom_components.balanz.csms.events import BootInfo, ConnectorStatus
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.transactions import Transaction, TransactionBook
from custom_components.balanz.storage.journal import Journal

from .stalls import StallWatch
from .visit import Presence

type State = tuple[dict[int, ConnectorStatus], BootInfo | None, list[Transaction | None]]


class CentralThread:
    """A real central system, as far from the fuzzer as one process allows."""

    def __init__(self, folder: Path, identities: list[str]) -> None:
        self.presence = Presence()
        self.stalls = StallWatch(self.presence)
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
            with self.stalls.over(self._loop, self._thread):
                yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

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
